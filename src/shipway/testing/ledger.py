"""The conformance suite of ledgers on any database. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from shipway.domain.errors import StoreError
from shipway.domain.ownership import Adoption
from shipway.domain.plan import Plan, Service
from shipway.domain.registration import STAND_IN, AcceptedRules, Registration
from shipway.domain.release import (
    FAILED,
    PENDING,
    SUCCEEDED,
    Approval,
    Deployment,
    Evidence,
    Release,
    Trigger,
    Waiver,
)
from shipway.domain.run import Artifact, RunRecord, StepRecord, StepResult
from shipway.domain.snapshot import Snapshot
from shipway.ports import Ledger
from shipway.testing.leases import LeaseSuite

PLAN = Plan("shop", {"web": Service("web", image="redis:7", secrets=("KEY",))})
RELEASE = Release(
    0, "shop", "a" * 40, "tree-1", ("ada@example.org",), "first", {"web": "r/web@sha256:1"}, PLAN, 1, 5.0, "0001"
)
DEPLOYMENT = Deployment(0, "shop", "staging", 1, "deploy", "ada@example.org", "because", 10.0, {"KEY": 2})


WAIVER = Waiver("shop", "staging", 1, "sha256:1", "DATA_LOST, old code SAFE", "eve@example.org", "known", 1.0, 2.5)

SNAPSHOT = Snapshot(
    "shop", "staging", 0, 1, "0001", 5.0, "ada@example.org", "asked for", "a.dump", 7, "sha", {"public.pets": 3}
)

REGISTRATION = Registration(
    "shop",
    "git@git.example:acme/shop.git",
    "shipway.yaml",
    "main",
    "b" * 40,
    "ada@example.org",
    1.5,
    "/srv/git/shop.git",
    "moved",
)
ACCEPTED = AcceptedRules("shop", "production", PLAN, ("sha256:1",), "eve@example.org", "the branch was renamed", 2.5)


def ended(
    ledger: Ledger, outcome: str, release: int, *, environment: str = "staging", kind: str = "deploy", schema: str | None = None
) -> int:  # fmt: skip
    """A deployment that has ended with this outcome."""
    number = ledger.begin_deployment(
        dataclasses.replace(DEPLOYMENT, release=release, environment=environment, kind=kind)
    )
    ledger.end_deployment(number, outcome, 12.0, schema, "")
    return number


def numbers(deployments: Sequence[Deployment | None]) -> list[int]:
    """Their ids; 0 for None."""
    return [item.id if item else 0 for item in deployments]


class LedgerSuite(LeaseSuite):
    """Fixtures: `ledger` is a new one; `again` opens the same one again, as another process would."""

    def test_its_identity_is_made_once(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        ledgers = [ledger, *(again() for _ in range(3))]
        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(lambda item: item.identity(), ledgers))
        assert len(found) == 1
        (identity,) = found
        assert len(identity) == 32
        assert int(identity, 16) >= 0
        assert again().identity() == identity

    def test_the_first_value_of_a_property_wins_until_it_is_replaced(
        self, ledger: Ledger, again: Callable[[], Ledger]
    ) -> None:
        assert ledger.property("machine") is None
        assert ledger.settle("machine", "a") == "a"
        assert again().settle("machine", "b") == "a"
        ledger.replace_property("machine", "b")
        assert again().property("machine") == "b"

    def test_releases_are_numbered_by_app_without_gaps(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        other = again()

        def add(index: int) -> int:
            return (ledger if index % 2 else other).add_release(RELEASE).number

        with ThreadPoolExecutor(8) as pool:
            numbers = sorted(pool.map(add, range(24)))
        assert numbers == list(range(1, 25))
        assert ledger.add_release(dataclasses.replace(RELEASE, app="other")).number == 1

    def test_a_release_comes_back_whole(self, ledger: Ledger) -> None:
        added = ledger.add_release(RELEASE)
        assert ledger.release("shop", 1) == added == dataclasses.replace(RELEASE, number=1)
        assert ledger.release("shop", 2) is None
        assert ledger.release("other", 1) is None

    def test_releases_are_found_by_tree_newest_first(self, ledger: Ledger) -> None:
        for tree in ("tree-1", "tree-2", "tree-1"):
            ledger.add_release(dataclasses.replace(RELEASE, tree=tree))
        assert [item.number for item in ledger.releases_of("shop", "tree-1")] == [3, 1]
        assert [item.number for item in ledger.releases("shop", limit=2)] == [3, 2]

    def test_a_deployment_is_pending_until_it_is_settled_once(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        number = ledger.begin_deployment(DEPLOYMENT)
        assert ledger.deployments("shop")[0] == dataclasses.replace(DEPLOYMENT, id=number, outcome=PENDING)
        ledger.end_deployment(number, SUCCEEDED, 12.0, "0001", "")
        settled = ledger.deployments("shop", "staging")[0]
        assert (settled.outcome, settled.finished, settled.schema) == (SUCCEEDED, 12.0, "0001")
        with pytest.raises(StoreError):
            ledger.end_deployment(number, FAILED, 13.0, None, "")
        assert ledger.deployments("shop", "production") == []

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

    def test_versions_lead_to_their_release_and_back(self, ledger: Ledger) -> None:
        for _ in range(2):
            ledger.add_release(RELEASE)
        for release, name in ((1, "v1.0.0"), (1, "v1.0.1"), (2, "v2.0.0")):
            ledger.add_evidence(Evidence("shop", release, "production", "version", name, True, "", 1.0))
        ledger.add_evidence(Evidence("shop", 2, "staging", "check", "v1.0.0", True, "", 1.0))
        assert ledger.versions("shop", 1) == ["v1.0.0", "v1.0.1"]
        assert [ledger.version("shop", "v1.0.0"), ledger.version("shop", "v3")] == [ledger.release("shop", 1), None]

    def test_runs_that_have_not_ended_are_found_behind_any_number_of_others(self, ledger: Ledger) -> None:
        runs = [
            ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), 1.0)
            for _ in range(70)
        ]
        for run in runs[1:]:
            ledger.begin_step(run, "unit", "key", 1.0)
            ledger.end_step(run, "unit", SUCCEEDED, 2.0, StepResult(tests=str(run)))
            ledger.end_run(run, SUCCEEDED, 2.0)
        assert [item.number for item in ledger.pending_runs("shop")] == runs[:1]
        assert {item.tests for item in ledger.recent_steps("shop", 3)} == {str(run) for run in runs[-3:]}

    def test_a_deployment_of_an_unknown_release_is_refused(self, ledger: Ledger) -> None:
        with pytest.raises(StoreError):
            ledger.begin_deployment(DEPLOYMENT)

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
            "registrations",
            "accepted_rules",
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
        ledger.add_waiver(WAIVER)
        ledger.add_snapshot(SNAPSHOT)
        ledger.register(REGISTRATION)
        ledger.accept_rules(ACCEPTED)
        column = {"outcomes": "deployment", "secrets": "scope"}.get(table, "app")
        with pytest.raises(StoreError, match="append-only"):
            execute(statement.format(table=table, column=column))

    def test_a_release_can_not_be_replaced(self, ledger: Ledger, execute: Callable[[str], object]) -> None:
        ledger.add_release(RELEASE)
        with pytest.raises(StoreError):
            execute("REPLACE INTO releases VALUES ('shop', 1, 'other', '{}')")
        assert ledger.release("shop", 1) == dataclasses.replace(RELEASE, number=1)

    def test_approvals_and_evidence_come_back(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        approval = Approval("shop", "production", 1, "sha256:1", "eve@example.org", "fine", 1.5)
        signed = dataclasses.replace(
            approval,
            actor="bob@example.org",
            login="bob@laptop",
            change="sha256:2",
            expires=9.5,
            signature="-----BEGIN\n",
        )
        evidence = Evidence("shop", 1, "", "tests", "unit", False, "12 tests, 1 failed", 2.5)
        ledger.add_approval(approval)
        ledger.add_approval(signed)
        ledger.add_evidence(evidence)
        assert ledger.approvals("shop", "production", 1) == [approval, signed]
        assert ledger.approvals("shop", "staging", 1) == []
        assert ledger.evidence("shop", 1) == [evidence]

    def test_waivers_come_back(self, ledger: Ledger) -> None:
        for _ in range(2):
            ledger.add_release(RELEASE)
        second = dataclasses.replace(WAIVER, release=2, reason="also known")
        for item in (WAIVER, second):
            ledger.add_waiver(item)
        assert ledger.waivers("shop", "staging") == [WAIVER, second]
        assert ledger.waivers("shop", "staging", 2) == [second]
        assert ledger.waivers("shop", "production") == []

    def test_snapshots_are_numbered_by_environment(self, ledger: Ledger) -> None:
        first, second = ledger.add_snapshot(SNAPSHOT), ledger.add_snapshot(SNAPSHOT)
        assert (first.number, second.number) == (1, 2)
        assert ledger.add_snapshot(dataclasses.replace(SNAPSHOT, environment="production")).number == 1
        assert ledger.snapshots("shop", "staging") == [second, first]
        assert first == dataclasses.replace(SNAPSHOT, number=1)

    def test_the_newest_registration_of_an_app_counts(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        assert ledger.registration("shop") is None
        ledger.register(REGISTRATION)
        assert again().registration("shop") == REGISTRATION
        moved = dataclasses.replace(REGISTRATION, address="git@git.example:acme/store.git", branch="develop", at=2.0)
        ledger.register(moved)
        assert ledger.registration("shop") == moved
        assert ledger.registration("other") is None

    def test_accepted_rules_come_back_whole(self, ledger: Ledger) -> None:
        second, first = (
            dataclasses.replace(ACCEPTED, reason="again"),
            dataclasses.replace(ACCEPTED, environment=STAND_IN),
        )
        for item in (ACCEPTED, first, second):
            ledger.accept_rules(item)
        assert ledger.accepted_rules("shop", "production") == [ACCEPTED, second]
        assert ledger.accepted_rules("shop", STAND_IN) == [first]
        assert ledger.accepted_rules("other", "production") == []

    def test_the_way_of_a_rollback_comes_back(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        gone = dataclasses.replace(DEPLOYMENT, kind="rollback", way="down, then code", goal="0001")
        ledger.begin_deployment(gone)
        assert (ledger.deployments("shop")[0].way, ledger.deployments("shop")[0].goal) == ("down, then code", "0001")

    def test_versions_of_secrets_are_appended_once(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        assert ledger.add_secret("shop/staging", "KEY", 1, "f1", "s1")
        assert not again().add_secret("shop/staging", "KEY", 1, "f2", "s2")
        assert ledger.add_secret("shop/staging", "KEY", 2, "f2", "s2")
        assert again().secrets("shop/staging") == {"KEY": ["f1", "f2"]}
        assert (ledger.sealed_secret("shop/staging", "KEY", 1), ledger.sealed_secret("shop/staging", "KEY", 3)) == (
            "s1",
            None,
        )

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

    def test_adoptions_and_since_when(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        assert ledger.deployed_since("shop", "staging") is None
        ledger.add_release(RELEASE)
        for at, kind in ((5.0, "destroy"), (10.0, "deploy"), (20.0, "deploy")):
            ledger.begin_deployment(dataclasses.replace(DEPLOYMENT, started=at, kind=kind))
        assert ledger.deployed_since("shop", "staging") == ledger.deployed_since("shop", "staging", 1) == 10.0
        assert ledger.deployed_since("shop", "staging", 2) is ledger.deployed_since("shop", "production") is None
        run = ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), 7.0)
        assert (ledger.run_since("shop", run), ledger.run_since("other", run), ledger.run_since("shop", run + 1)) == (
            7.0,
            None,
            None,
        )
        item = Adoption("local", "container", "id", "shop_web", "", "ada", 1.0)
        ledger.add_adoptions([item, dataclasses.replace(item, kind="volume", id="v")])
        again().add_adoptions([dataclasses.replace(item, actor="eve")])
        assert ledger.adopted("local") == {("container", "id"), ("volume", "v")}
        assert ledger.adopted("ssh://b") == set()

    def test_the_journal_of_steps(self, ledger: Ledger) -> None:
        trigger = Trigger("push", "refs/heads/main", "ada")
        result = StepResult((Artifact("web", "dist", "sha256:1", ("pipe",)),), {"web": "r/web@sha256:2"}, "3 tests")
        run = ledger.begin_run("shop", "a" * 40, "tree", trigger, 1.0)
        ledger.begin_step(run, "lint", "key-1", 2.0)
        assert ledger.passed_step("shop", "lint", "key-1") is None
        ledger.end_step(run, "lint", SUCCEEDED, 3.0, result)
        ledger.begin_step(run, "unit", "key-2", 2.5)
        ledger.end_step(run, "unit", FAILED, 3.0, StepResult(), "exit code 1")
        ledger.begin_step(run, "use", "key-3", 4.0)
        ledger.end_run(run, FAILED, 4.0)
        assert ledger.passed_step("shop", "lint", "key-1") == result
        assert ledger.passed_step("shop", "unit", "key-2") is None
        assert ledger.passed_step("other", "lint", "key-1") is None
        assert ledger.steps(run) == [
            StepRecord("lint", "key-1", 2.0, 3.0, SUCCEEDED, result, ""),
            StepRecord("unit", "key-2", 2.5, 3.0, FAILED, StepResult(), "exit code 1"),
            StepRecord("use", "key-3", 4.0, None, PENDING, StepResult(), ""),
        ]
        assert ledger.runs("shop", 5) == [RunRecord(run, "shop", "a" * 40, "tree", trigger, 1.0, 4.0, FAILED)]
        assert ledger.apps() == ["shop"]

    def test_an_open_ledger_is_opened_again_without_a_change(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        ledger.add_release(RELEASE)
        assert again().release("shop", 1) is not None

    def test_a_newer_ledger_is_refused(
        self, ledger: Ledger, again: Callable[[], Ledger], execute: Callable[[str], object]
    ) -> None:
        execute("INSERT INTO shipway_schema VALUES (999)")
        with pytest.raises(StoreError, match="newer shipway"):
            again()
