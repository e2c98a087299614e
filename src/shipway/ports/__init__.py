"""All driver protocols. Actions and steps depend on these, never on a driver.

Unless a docstring differs, methods are blocking, safe to call from several threads, idempotent (repeating a call is no
error), and raise the class of `domain.errors` named at the protocol.
"""

from __future__ import annotations

from shipway.ports.backup_store import BackupStore
from shipway.ports.cdn import CdnAccess, CdnProvider
from shipway.ports.certificate_authority import CertificateAuthority, Prove
from shipway.ports.cluster import Cluster
from shipway.ports.database import (
    DatabaseTool,
    Fill,
    Linter,
    OneOff,
    Rejected,
    Replayed,
    Scratch,
    ScratchDatabase,
    Watched,
)
from shipway.ports.dns import DnsLookup, DnsProvider
from shipway.ports.edge import Edge
from shipway.ports.forge import Forge, ForgeAccess
from shipway.ports.host import Dial, Host
from shipway.ports.host_setup import HostSetup
from shipway.ports.images import Images, OnLine, Registry
from shipway.ports.infra import InfraTool
from shipway.ports.ledger import Ledger
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
from shipway.ports.ledger.ownership import OwnershipLedger, PropertyLedger
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
from shipway.ports.notifier import Notifier, NotifierAccess
from shipway.ports.platform import Platform
from shipway.ports.project_source import ProjectSource
from shipway.ports.reporter import Reporter
from shipway.ports.runtime import Runtime
from shipway.ports.sbom import SbomTool
from shipway.ports.secret_provider import SecretProvider
from shipway.ports.secrets import Secrets
from shipway.ports.server import DatabaseServer
from shipway.ports.session import Session, Terminal

__all__ = [
    "AuditLedger",
    "BackupLedger",
    "BackupStore",
    "CdnAccess",
    "CdnProvider",
    "CertificateAuthority",
    "Cluster",
    "DatabaseServer",
    "DatabaseTool",
    "DecisionLedger",
    "DeploymentLedger",
    "Dial",
    "DnsLookup",
    "DnsProvider",
    "Edge",
    "EventLedger",
    "Fill",
    "Forge",
    "ForgeAccess",
    "Host",
    "HostSetup",
    "Images",
    "InfraTool",
    "InsightLedger",
    "LaunchLedger",
    "LeaseLedger",
    "Ledger",
    "Linter",
    "Notifier",
    "NotifierAccess",
    "OnLine",
    "OneOff",
    "OperationLedger",
    "OutboxLedger",
    "OwnershipLedger",
    "PeopleLedger",
    "Platform",
    "PollLedger",
    "PreviewLedger",
    "ProjectSource",
    "PropertyLedger",
    "Prove",
    "ProvenanceLedger",
    "ProvisionLedger",
    "PurgeLedger",
    "QueueLedger",
    "Registry",
    "Rejected",
    "ReleaseLedger",
    "RenamingLedger",
    "Replayed",
    "Reporter",
    "RunLedger",
    "Runtime",
    "SbomTool",
    "ScheduleLedger",
    "Scratch",
    "ScratchDatabase",
    "SecretLedger",
    "SecretProvider",
    "Secrets",
    "Session",
    "SignInLedger",
    "SingleTestLedger",
    "Terminal",
    "WaitingLedger",
    "Watched",
    "WebhookLedger",
]
