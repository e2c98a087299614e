"""The append-only history and the locks: one protocol per topic and file, and the ledger as their sum."""

from __future__ import annotations

from typing import Protocol

from shipway.ports.ledger.audit import AuditLedger
from shipway.ports.ledger.backups import BackupLedger
from shipway.ports.ledger.decisions import DecisionLedger
from shipway.ports.ledger.deployments import DeploymentLedger
from shipway.ports.ledger.events import EventLedger
from shipway.ports.ledger.insights import InsightLedger
from shipway.ports.ledger.launches import LaunchLedger
from shipway.ports.ledger.leases import LeaseLedger
from shipway.ports.ledger.operations import OperationLedger
from shipway.ports.ledger.outbox import OutboxLedger
from shipway.ports.ledger.ownership import OwnershipLedger
from shipway.ports.ledger.people import PeopleLedger
from shipway.ports.ledger.polls import PollLedger
from shipway.ports.ledger.previews import PreviewLedger
from shipway.ports.ledger.provenance import ProvenanceLedger
from shipway.ports.ledger.provisions import ProvisionLedger
from shipway.ports.ledger.purges import PurgeLedger
from shipway.ports.ledger.queue import QueueLedger
from shipway.ports.ledger.releases import ReleaseLedger
from shipway.ports.ledger.renamings import RenamingLedger
from shipway.ports.ledger.runs import RunLedger
from shipway.ports.ledger.schedules import ScheduleLedger
from shipway.ports.ledger.sealed_secrets import SecretLedger
from shipway.ports.ledger.sign_ins import SignInLedger
from shipway.ports.ledger.tests import SingleTestLedger
from shipway.ports.ledger.waiting import WaitingLedger
from shipway.ports.ledger.webhooks import WebhookLedger


class Ledger(
    RunLedger,
    ReleaseLedger,
    DeploymentLedger,
    ScheduleLedger,
    DecisionLedger,
    SecretLedger,
    LeaseLedger,
    OwnershipLedger,
    OperationLedger,
    RenamingLedger,
    ProvisionLedger,
    PurgeLedger,
    BackupLedger,
    LaunchLedger,
    EventLedger,
    PeopleLedger,
    SignInLedger,
    QueueLedger,
    WebhookLedger,
    PollLedger,
    PreviewLedger,
    WaitingLedger,
    OutboxLedger,
    AuditLedger,
    InsightLedger,
    ProvenanceLedger,
    SingleTestLedger,
    Protocol,
):
    """All of a ledger. Raises StoreError. The caller provides times of the history; locks use the ledger's own clock,
    which all its users share."""

    def reserve(self) -> None:
        """Ensure that a rollback can be recorded on a full disk. DiskFull if there is no room for that."""

    def apps(self) -> list[str]:
        """All apps with a registration, a run or a release, by name."""

    def close(self) -> None: ...
