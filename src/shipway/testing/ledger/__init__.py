"""The conformance suite of ledgers on any database. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shipway.domain.errors import StoreError
from shipway.domain.release import SUCCEEDED, Approval, Evidence
from shipway.ports import Ledger
from shipway.testing.ledger.audit import AuditSuite
from shipway.testing.ledger.backups import BackupSuite
from shipway.testing.ledger.decisions import DecisionSuite
from shipway.testing.ledger.deployments import DeploymentSuite
from shipway.testing.ledger.events import EventSuite
from shipway.testing.ledger.insights import InsightSuite
from shipway.testing.ledger.launches import LaunchSuite
from shipway.testing.ledger.leases import LeaseSuite
from shipway.testing.ledger.operations import OperationSuite
from shipway.testing.ledger.outbox import OutboxSuite
from shipway.testing.ledger.ownership import OwnershipSuite
from shipway.testing.ledger.people import PeopleSuite
from shipway.testing.ledger.polls import PollSuite
from shipway.testing.ledger.previews import PreviewSuite
from shipway.testing.ledger.provenance import BUILD, KEY, ProvenanceSuite
from shipway.testing.ledger.provisions import CHANGE, ProvisionSuite
from shipway.testing.ledger.purges import PurgeSuite
from shipway.testing.ledger.queue import QueueSuite
from shipway.testing.ledger.releases import ReleaseSuite
from shipway.testing.ledger.renamings import RenamingSuite
from shipway.testing.ledger.runs import RunSuite
from shipway.testing.ledger.samples import (
    ACCEPTED,
    DEPLOYMENT,
    LAUNCH,
    OPERATION,
    REGISTRATION,
    RELEASE,
    RENAMING,
    SNAPSHOT,
    WAIVER,
)
from shipway.testing.ledger.schedules import ScheduleSuite
from shipway.testing.ledger.sealed_secrets import SealedSecretSuite
from shipway.testing.ledger.sign_ins import SignInSuite
from shipway.testing.ledger.tests import SingleTestSuite
from shipway.testing.ledger.waiting import HOLD, WaitingSuite
from shipway.testing.ledger.webhooks import WebhookSuite


class LedgerSuite(
    RunSuite,
    ReleaseSuite,
    DeploymentSuite,
    ScheduleSuite,
    DecisionSuite,
    SealedSecretSuite,
    LeaseSuite,
    OwnershipSuite,
    OperationSuite,
    RenamingSuite,
    ProvisionSuite,
    PurgeSuite,
    BackupSuite,
    LaunchSuite,
    EventSuite,
    PeopleSuite,
    SignInSuite,
    QueueSuite,
    WebhookSuite,
    PollSuite,
    PreviewSuite,
    WaitingSuite,
    OutboxSuite,
    AuditSuite,
    InsightSuite,
    ProvenanceSuite,
    SingleTestSuite,
):
    """Fixtures: `ledger` is a new one; `again` opens the same one again, as another process would; `execute` runs a
    statement on its database and returns the rows; `tampering` lets statements change the audit, as an owner of the
    database can."""

    @pytest.mark.parametrize(
        "table",
        [
            "releases",
            "deployments",
            "outcomes",
            "approvals",
            "evidence",
            "acceptances",
            "snapshots",
            "secrets",
            "secret_origins",
            "registrations",
            "accepted_rules",
            "operations",
            "operation_ends",
            "renamings",
            "provisions",
            "provision_ends",
            "launches",
            "holds",
            "audit",
            "signing_keys",
            "signing_key_ends",
            "image_records",
        ],
    )
    @pytest.mark.parametrize("statement", ["DELETE FROM {table}", "UPDATE {table} SET {column} = {column}"])
    def test_history_is_append_only(
        self, ledger: Ledger, execute: Callable[[str], object], table: str, statement: str
    ) -> None:
        ledger.add_release(RELEASE)
        ledger.end_deployment(ledger.begin_deployment(DEPLOYMENT), SUCCEEDED, 12.0, None, "")
        ledger.add_approval(Approval("shop", "staging", 1, "sha256:1", "eve@example.org", "", 1.0))
        ledger.add_evidence(Evidence("shop", 1, "staging", "check", "smoke", True, "", 1.0))
        ledger.add_secret("shop/staging", "KEY", 1, "fingerprint", "sealed")
        ledger.add_secret_origin("shop/staging", "KEY", 1, "vault https://vault", "7")
        ledger.add_waiver(WAIVER)
        ledger.add_snapshot(SNAPSHOT)
        ledger.register(REGISTRATION)
        ledger.accept_rules(ACCEPTED)
        ledger.end_operation(ledger.begin_operation(OPERATION), 12.0, 0)
        ledger.rename(RENAMING)
        ledger.end_provision(ledger.begin_provision(CHANGE), 12.0, SUCCEEDED)
        ledger.add_launch_record(LAUNCH)
        ledger.add_hold(HOLD)
        ledger.add_signing_key(KEY)
        ledger.revoke_signing_key("shop", KEY.id, "ada@example.com", 1.0, "")
        ledger.add_image_build(BUILD)
        columns = {
            "outcomes": "deployment",
            "operation_ends": "operation",
            "provision_ends": "provision",
            "secrets": "scope",
            "secret_origins": "scope",
        }
        column = columns.get(table, "app")
        with pytest.raises(StoreError, match="append-only"):
            execute(statement.format(table=table, column=column))

    def test_an_open_ledger_is_opened_again_without_a_change(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        ledger.add_release(RELEASE)
        assert again().release("shop", 1) is not None

    def test_a_newer_ledger_is_refused(
        self, ledger: Ledger, again: Callable[[], Ledger], execute: Callable[[str], object]
    ) -> None:
        execute("INSERT INTO shipway_schema VALUES (999)")
        with pytest.raises(StoreError, match="newer shipway"):
            again()
