"""The conformance suite of deployments and snapshots."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from shipway.domain.errors import StoreError
from shipway.domain.release import FAILED, PENDING, SUCCEEDED
from shipway.domain.totals import Total
from shipway.ports import DeploymentLedger, Ledger
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE, SNAPSHOT, ended, numbers


class DeploymentSuite:
    """An environment's history, and its snapshots."""

    def test_a_deployment_is_pending_until_it_is_settled_once(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        number = ledger.begin_deployment(DEPLOYMENT)
        assert ledger.deployments("shop")[0] == dataclasses.replace(DEPLOYMENT, id=number, outcome=PENDING)
        ledger.end_deployment(number, SUCCEEDED, 12.0, "0001", "")
        assert ledger.deployment("shop", "staging", number) == ledger.latest("shop", "staging")
        assert ledger.deployment("shop", "production", number) is None
        settled = ledger.deployments("shop", "staging")[0]
        assert (settled.outcome, settled.finished, settled.schema) == (SUCCEEDED, 12.0, "0001")
        with pytest.raises(StoreError):
            ledger.end_deployment(number, FAILED, 13.0, None, "")
        assert ledger.deployments("shop", "production") == []

    def test_deployments_are_counted_by_their_outcome(self, ledger: Ledger) -> None:
        assert ledger.deployment_totals() == []
        ledger.add_release(RELEASE)
        ended(ledger, SUCCEEDED, 1)
        ended(ledger, SUCCEEDED, 1)
        ended(ledger, FAILED, 1, environment="production", kind="rollback")
        ledger.begin_deployment(DEPLOYMENT)
        took = 12.0 - DEPLOYMENT.started
        assert ledger.deployment_totals() == [
            Total("shop", "production", "rollback", FAILED, 1, took), Total("shop", "staging", "deploy", PENDING, 1, 0.0),
            Total("shop", "staging", "deploy", SUCCEEDED, 2, 2 * took),
        ]  # fmt: skip

    def test_what_an_environment_runs_is_not_looked_for_on_a_page(self, ledger: Ledger) -> None:
        for _ in range(3):
            ledger.add_release(RELEASE)
        assert ledger.current("shop", "staging") is ledger.latest("shop", "staging") is None
        good = ended(ledger, SUCCEEDED, 1, schema="0001")
        left = ended(ledger, FAILED, 2, schema="0002")
        failed: list[int] = []
        for _ in range(60):
            failed.append(ended(ledger, FAILED, 3))
        ended(ledger, SUCCEEDED, 3, environment="production")
        pending = [ledger.begin_deployment(DEPLOYMENT) for _ in range(2)]
        assert numbers([ledger.current("shop", "staging"), ledger.latest("shop", "staging")]) == [good, pending[1]]
        assert numbers(ledger.pending("shop", "staging")) == pending[::-1]
        assert numbers(ledger.history("shop", "staging")) == [*pending[::-1], *failed[::-1], left, good]
        assert numbers(ledger.deployments_of("shop", "staging", 3)) == failed[::-1]
        assert ledger.environments("shop") == ["staging", "production"]

    def test_an_environment_that_was_destroyed_begins_again(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        ended(ledger, SUCCEEDED, 1)
        assert ledger.destroyed("shop", "staging") == 0
        gone = ended(ledger, SUCCEEDED, 1, kind="destroy")
        assert ledger.current("shop", "staging") is None
        assert ledger.history("shop", "staging") == ledger.deployments_of("shop", "staging", 1) == []
        assert (ledger.destroyed("shop", "staging"), numbers([ledger.latest("shop", "staging")])) == (10.0, [gone])
        again = ended(ledger, FAILED, 1)
        assert numbers(ledger.history("shop", "staging")) == [again]

    def test_a_deployment_of_an_unknown_release_is_refused(self, ledger: DeploymentLedger) -> None:
        with pytest.raises(StoreError):
            ledger.begin_deployment(DEPLOYMENT)

    def test_the_plan_of_a_rollback_comes_back(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        gone = dataclasses.replace(DEPLOYMENT, kind="rollback", way="down, then code", goal="0001")
        ledger.begin_deployment(gone)
        assert (ledger.deployments("shop")[0].way, ledger.deployments("shop")[0].goal) == ("down, then code", "0001")

    def test_fingerprints_of_a_deployment_come_back_and_old_records_have_none(
        self, ledger: Ledger, execute: Callable[[str], object]
    ) -> None:
        ledger.add_release(RELEASE)
        made = dataclasses.replace(DEPLOYMENT, fingerprints={"KEY": "f1"})
        ledger.begin_deployment(made)
        execute(
            "INSERT INTO deployments (app, environment, release, kind, actor, reason, started, secrets) VALUES ('shop', 'staging', 1, 'deploy', 'ada', '', 5.0, '{\"KEY\": 2}')"
        )
        old, new = ledger.deployments("shop", "staging")
        assert (new.secrets, new.fingerprints) == ({"KEY": 2}, {"KEY": "f1"})
        assert (old.secrets, old.fingerprints) == ({"KEY": 2}, {})

    def test_snapshots_are_numbered_by_environment(self, ledger: DeploymentLedger) -> None:
        first, second = ledger.add_snapshot(SNAPSHOT), ledger.add_snapshot(SNAPSHOT)
        assert (first.number, second.number) == (1, 2)
        assert ledger.add_snapshot(dataclasses.replace(SNAPSHOT, environment="production")).number == 1
        assert ledger.snapshots("shop", "staging") == [second, first]
        assert first == dataclasses.replace(SNAPSHOT, number=1)
