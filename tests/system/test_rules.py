"""Who may do what, when: leases, approvals, gates, rollbacks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from examples.project import ADA, GRACE
from shipway.domain.errors import GateRefused, LeaseHeld, NothingToRollBack
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine


@contextmanager
def held(project: Tiny, reason: str, *, ttl: float = 60.0) -> Iterator[None]:
    """Somebody else works on staging."""
    ledger = project.ledger()
    lease = ledger.acquire(f"{project.app}/staging", "grace@example.org (process 7 on laptop)", reason, ttl)
    try:
        yield
    finally:
        ledger.free(lease)
        ledger.close()


@pytest.mark.parametrize("command", [("deploy", "staging"), ("destroy", "staging", "--force")], ids=" ".join)
def test_a_second_deployment_says_who_holds_the_lease(served: Tiny, command: tuple[str, ...]) -> None:
    before = served.footprint()
    with held(served, "repairing the database"):
        done = served.shipway(*command, check=False)
    assert done.code == LeaseHeld.exit_code, done.output
    assert f"{served.app}/staging is locked by grace@example.org (process 7 on laptop) since" in done.output
    assert "UTC: repairing the database" in done.output
    assert "--wait" in done.output
    assert served.footprint() == before


def test_a_second_deployment_waits_where_it_is_told_to(served: Tiny) -> None:
    before = served.footprint()
    with held(served, "repairing the database"):
        waiting = served.start("deploy", "staging", "--wait", "30")
        waiting.until("waiting: ")
        assert "repairing the database" in waiting.output
    done = waiting.end(seconds=10)
    assert done.code == 0, done.output
    assert "nothing to do" in done.output
    assert served.footprint() == before


def test_a_wait_that_is_too_short_ends(served: Tiny) -> None:
    with held(served, "repairing the database"):
        started = time.monotonic()
        done = served.shipway("deploy", "staging", "--wait", "1", check=False)
        assert done.code == LeaseHeld.exit_code, done.output
        assert 1 <= time.monotonic() - started < 10


def test_two_deployments_at_once_follow_one_another(make: Make) -> None:
    project = make()
    project.shipway("run", "staging")
    project.change("two")
    both = [project.start("run", "staging"), project.start("run", "staging")]
    assert [running.end().code for running in both] == [0, 0], both[0].output + both[1].output
    assert project.answer() == "two"
    assert project.good()[0][2] == max(release for _, _, release in project.good())
    project.drained()
    deadline = time.monotonic() + 60
    while len(project.containers(role="service")) > 2:  # the one that serves, and the one before, stopped
        assert time.monotonic() < deadline, project.containers(role="service")
        time.sleep(0.2)
    assert project.leases() == []


def test_a_dead_owners_lease_is_free_again(served: Tiny) -> None:
    with held(served, "killed", ttl=0.1):
        time.sleep(0.2)
        assert served.shipway("deploy", "staging").code == 0


def test_a_rollback_with_nothing_to_roll_back_to(served: Tiny, bare: Tiny) -> None:
    for project, why in ((served, "release 1 is the first good one there"), (bare, "no deployment there succeeded")):
        before = project.footprint()
        done = project.shipway("rollback", "staging", check=False)
        assert done.code == NothingToRollBack.exit_code, done.output
        assert f"staging has no rollback target: {why}" in done.output
        assert project.footprint() == before
    done = served.shipway("rollback", "staging", "--to", "v9", check=False)
    assert done.code == NothingToRollBack.exit_code, done.output
    assert "v9 never ran here successfully" in done.output


def test_an_approval_by_the_author(served: Tiny) -> None:
    for who in (ADA, ADA.upper()):
        done = served.shipway("--as", who, "approve", "production", check=False)
        assert done.code == GateRefused.exit_code, done.output
        assert "is an author of release 1" in done.output
        assert "another person must approve it" in done.output
    ledger = served.ledger()
    assert ledger.approvals(served.app, "production", 1) == []
    ledger.close()


def test_production_refuses_with_all_reasons_together(served: Tiny) -> None:
    before = served.footprint()
    done = served.shipway("deploy", "production", check=False)
    assert done.code == GateRefused.exit_code, done.output
    for reason in (
        "production accepts only revisions with a tag like 'v*'", "has no tag",
        "production accepts only revisions on branch 'main'", "is on staging",
        "release 1 needs 1 approval by someone other than its authors and has 0",
    ):  # fmt: skip
        assert reason in done.output, reason
    assert "shipway approve production" in done.output
    assert served.footprint() == before


def test_production_refuses_what_was_not_validated_on_staging(make: Make) -> None:
    project = make()
    project.shipway("run", "staging")
    project.change("two")
    done = project.shipway("deploy", "production", check=False)
    assert done.code == GateRefused.exit_code, done.output
    assert "no release was built from the tree of" in done.output
    assert "has no tag" in done.output
    project.change("sick", health=503)
    project.shipway("run", "staging", check=False)
    project.git("tag", "v1")
    done = project.shipway("run", "v1", check=False)
    assert done.code == GateRefused.exit_code, done.output
    assert "has this tree but was not validated on staging" in done.output
    assert "is on staging" in done.output
    assert "tag like" not in done.output  # this one holds
    assert project.containers(environment="production") == {}


def test_production_takes_what_was_validated_and_approved_and_goes_back(make: Make) -> None:
    """The good way, so that the refusals above are known to have no other cause."""
    project = make()
    for number, name in enumerate(("one", "two"), start=1):
        project.change(name)
        project.shipway("run", "staging")
        project.shipway("--as", GRACE, "approve", "production")
        project.promote(f"v{number}")
        project.shipway("run", f"v{number}")
        assert project.answer("production") == name
    ledger = project.ledger()
    assert [item.release for item in ledger.deployments(project.app, "staging")] == [2, 1]
    ledger.close()
    project.write({"shipway.yaml": "services: ["})  # it asks only the ledger
    project.shipway("rollback", "production", "--app", project.app)
    project.git("restore", "shipway.yaml")
    assert project.answer("production") == "one"
    assert project.answer("staging") == "two"
    assert project.good()[0] == ("production", "rollback", 1)
    again = project.shipway("rollback", "production", check=False)
    assert again.code == NothingToRollBack.exit_code, again.output
