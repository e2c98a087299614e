"""Deployments that wait, and the hold after a rollback, on a real engine and without a server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from examples.project import ADA, GRACE
from shipway.domain.errors import GateRefused
from shipway.domain.release import SUCCEEDED, SUPERSEDED
from tests.system.conftest import Make
from tests.system.tiny import Tiny, soon

pytestmark = pytest.mark.engine
EVE = "eve@example.com"


def waiting(project: Tiny, environment: str = "production") -> dict[str, object] | None:
    found: dict[str, object] | None = project.status(environment)["waiting"]
    return found


def test_it_goes_out_with_the_last_approval_and_a_rollback_holds_what_follows(make: Make) -> None:
    project = make()
    project.plan["environments"]["production"]["approvals"] = {"count": 2, "not": "author"}
    project.protect()
    project.shipway("run", "staging")
    project.promote("v1")
    refused = project.shipway("run", "v1", check=False)
    assert refused.code == GateRefused.exit_code
    assert "the deployment waits for that, and then goes out automatically" in refused.output
    found = waiting(project)
    assert found is not None
    assert (found["release"], found["ref"]) == (1, "refs/tags/v1")
    assert "release 1 waits" in project.shipway("status").output
    assert "release 1 waits" in project.shipway("history", "production").output
    assert project.answer("production").startswith("HTTP status")

    assert "waits for" in project.shipway("--as", GRACE, "approve", "production", "r1").output
    assert waiting(project) is not None
    with ThreadPoolExecutor(2) as pool:
        commands = (("--as", EVE, "approve", "production", "r1"), ("tick", "--app", project.app))
        done = list(pool.map(lambda words: project.shipway(*words, check=False), commands))
    assert [item.code for item in done] == [0, 0], [item.output for item in done]
    soon(lambda: waiting(project) is None, 90)
    assert project.answer("production") == "one"
    [made] = project.deployments("production")
    assert (made["actor"], made["outcome"], made["reason"][:4]) == (ADA, SUCCEEDED, "v1: ")

    # A release that is rolled back holds the next one until a person ends that.
    project.change("two")
    project.shipway("run", "staging")
    project.promote("v2")
    for person in (GRACE, EVE):
        project.shipway("--as", person, "approve", "production", "r2")
    project.shipway("run", "v2")
    assert project.answer("production") == "two"
    project.shipway("--as", GRACE, "rollback", "production", "--reason", "two is slow", hold=True)
    assert project.answer("production") == "one"
    assert f"{GRACE} rolled back release 2" in project.shipway("status").output
    project.change("three")
    project.shipway("run", "staging")
    project.promote("v3")
    for person in (GRACE, EVE):
        project.shipway("--as", person, "approve", "production", "r3")
    held = project.shipway("run", "v3", check=False)
    assert held.code == GateRefused.exit_code
    assert "is on hold" in held.output
    by_hand = project.shipway("deploy", "production", "v3", check=False)
    assert by_hand.code == GateRefused.exit_code
    assert "--resume" in by_hand.output
    assert project.answer("production") == "one"
    resumed = project.shipway("--as", GRACE, "resume", "production")
    assert "goes out now" in resumed.output
    assert project.answer("production") == "three"
    assert project.status("production")["hold"] is None


def test_one_that_was_killed_during_the_deployment_is_taken_up(make: Make) -> None:
    project = make()
    project.protect()
    project.shipway("run", "staging")
    project.promote("v1")
    assert "waits" in project.shipway("run", "v1", check=False).output
    approving = project.start("--as", GRACE, "approve", "production", "r1")
    approving.until("deploy")
    approving.kill()
    soon(lambda: project.shipway("tick", "--app", project.app, check=False).code == 0 and waiting(project) is None, 120)
    assert project.answer("production") == "one"
    assert [item["outcome"] for item in project.deployments("production")].count(SUCCEEDED) == 1


def test_a_newer_one_supersedes_it_and_a_person_cancels(make: Make) -> None:
    project = make()
    project.protect()
    project.shipway("run", "staging")
    project.promote("v1")
    project.shipway("run", "v1", check=False)
    project.change("two")
    project.shipway("run", "staging")
    project.promote("v2")
    project.shipway("run", "v2", check=False)
    [first] = project.deployments("production")
    assert (first["release"], first["outcome"]) == (1, SUPERSEDED)
    assert "was cancelled" in project.shipway("cancel", "production", "--reason", "not today").output
    assert waiting(project) is None
    project.shipway("--as", GRACE, "approve", "production", "r2")
    assert project.answer("production").startswith("HTTP status")


def test_a_hotfix_is_built_approved_and_deployed_within_a_freeze(make: Make) -> None:
    project = make()
    today = datetime.now(UTC).date()
    days = {"from": f"{today - timedelta(days=1)}", "to": f"{today + timedelta(days=2)}"}
    project.plan["environments"]["production"] |= {"hotfix": {"approvals": 2}, "freeze": days}
    project.protect()
    project.git("switch", "--quiet", "main")
    project.change("fix")
    project.git("tag", "v1")
    asked = ("deploy", "production", "v1", "--hotfix", "--reason", "nobody can pay")
    refused = project.shipway(*asked, check=False)
    assert refused.code == GateRefused.exit_code, refused.output
    assert "needs 2 approvals by someone other than its authors and has 0" in refused.output
    assert "production is frozen until" in refused.output
    for person in (GRACE, EVE):
        project.shipway("--as", person, "approve", "production", "r1")
    frozen = project.shipway(*asked, check=False)
    assert frozen.code == GateRefused.exit_code
    assert "approvals" not in frozen.output
    assert waiting(project) is None, "a person's command does not wait"
    project.shipway(*asked, "--override-freeze")
    assert project.answer("production") == "fix"
    [made] = project.deployments("production")
    assert made["hotfix"] == "nobody can pay"
    assert "despite the freeze, since nobody can pay; a hotfix, since nobody can pay" in made["reason"]
    assert "deploy, hotfix" in project.shipway("history", "production").output
    assert "a hotfix, which was validated nowhere before: nobody can pay" in project.shipway("status").output
