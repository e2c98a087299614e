"""The pages of releases: what changes, what speaks for it and against it, and the proof."""

from __future__ import annotations

import dataclasses
import json

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.people.tokens import create_token
from shipway.actions.proofs.rollback_plan import PROOF
from shipway.actions.runs.waiting import reject
from shipway.domain.permissions import ADMIN, RELEASER, VIEWER
from shipway.domain.proof import RESTORED, SAFE, CompatibilityTest, Lock, MigrationReport, Proof, Stage, images_digest
from shipway.domain.record import to_data
from shipway.domain.release import ROLLBACK, Approval, Evidence, Release
from shipway.server.observer import Gate
from shipway.testing.ledger.waiting import waits
from tests.unit.domain.samples import STAGING
from tests.unit.server.asking import ask
from tests.unit.server.site import EVIL, Place, place

__all__ = ["place"]


def prove(place: Place, release: Release, before: int, environment: str = "production") -> Proof:
    way = MigrationReport(
        ("0002",),
        RESTORED,
        stages=(Stage("up", 1.0, 0.2, "succeeded", locks=(Lock("pets", "AccessExclusiveLock", 0.0, 0.1),)),),
    )
    proof = Proof(
        "shop", environment, release.number, images_digest(release), before, "", "0001", "0002", "data", 1.0, 4.0, way,
        old_code=CompatibilityTest(SAFE, checks=("write: add",)), new_code=CompatibilityTest(SAFE, (EVIL,)),
        stages=(Stage("template", 0.0, 1.0, "succeeded"), Stage("down", 2.0, 0.5, "failed")),
    )  # fmt: skip
    place.ctx.ledger.add_evidence(
        Evidence("shop", release.number, environment, PROOF, "rollback", True, json.dumps(to_data(proof)), 1.0)
    )
    return proof


@pytest.fixture
def ready(place: Place) -> Place:
    """staging runs r2, production ran nothing."""
    place.deployed(1)
    place.deployed(2)
    place.observer.look("shop")
    return place


def test_all_of_them_and_where_they_run(ready: Place) -> None:
    other = ready.ctx.ledger.release("shop", 2)
    assert other is not None
    ready.ctx.ledger.add_release(dataclasses.replace(other, subject=EVIL, tree="tree-3", digest=""))
    found = ready.page("/apps/shop/releases").text
    assert found.index("<b>r2</b>") < found.index("<b>r1</b>")
    assert '<span class="pill ok">staging</span>' in found
    assert "&lt;script&gt;" in found
    assert EVIL not in found


def test_what_changes(ready: Place) -> None:
    found = ready.page("/apps/shop/releases/2?to=staging").text
    assert "Release 2 → staging" in found
    assert "replaced r1" in found
    assert "✓ live" in found
    assert "Roll back to r1…" not in found  # a viewer may not
    admin = ready.person("a@example.org", ADMIN)
    assert "Roll back to r1…" in ready.page("/apps/shop/releases/2?to=staging", admin).text
    assert "would replace r2" in ready.page("/apps/shop/releases/1?to=staging", admin).text


def test_after_a_rollback_there_is_none_to_the_release_that_it_left(ready: Place) -> None:
    release = ready.ctx.ledger.release("shop", 1)
    assert release is not None
    deploy(ready.world.controller(), DeployRequest(release, STAGING, kind=ROLLBACK))
    ready.observer.look("shop")
    admin = ready.person("a@example.org", ADMIN)
    board = ready.page("/apps/shop", admin).text
    assert "to nothing: no older release was good there" in board
    assert "Roll back…" not in board
    assert "Roll back to" not in ready.page("/apps/shop/releases/1", admin).text


def test_where_nothing_ran_before_everything_is_new(ready: Place) -> None:
    found = ready.page("/apps/shop/releases/2?to=production").text
    assert "Everything: no other release ran there." in found


def test_the_gate_says_what_is_met_and_what_is_open(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    release = ready.ctx.ledger.release("shop", 2)
    assert release is not None
    ledger = ready.ctx.ledger
    ledger.add_approval(Approval("shop", "production", 2, release.digest, "grace@example.org", "looked at it", 1.0))
    ledger.add_approval(Approval("shop", "production", 2, "sha256:other", "eve@example.org", "", 1.0))
    prove(ready, release, 1)
    board = ready.observer.board("shop")
    open_gate = Gate(2, "x", ("release 2 needs 2 approvals and has 1",), ("abc1234 ada@example.org Add a price",))
    ready.observer._boards["shop"] = dataclasses.replace(board, gates={"production": open_gate})
    admin = ready.person("a@example.org", ADMIN)
    found = ready.page("/apps/shop/releases/2", admin).text  # where it would go next, and not where it runs
    for seen in (
        "Release 2 → production", "Validated on staging", "Rollback proven", "Approved by grace@example.org",
        "looked at it", "needs 2 approvals", "Add a price", "Approve these images", "locks pets", "✗ down",
    ):  # fmt: skip
        assert seen in found, seen
    assert "eve@example.org" not in found
    assert EVIL not in found
    assert "Approve these images" not in ready.page("/apps/shop/releases/2").text
    ready.observer._boards["shop"] = dataclasses.replace(board, gates={"production": Gate(2, "x", ())})
    assert "Deploy to production" in ready.page("/apps/shop/releases/2", admin).text


def test_the_whole_report_runs_nothing(ready: Place) -> None:
    release = ready.ctx.ledger.release("shop", 2)
    assert release is not None
    prove(ready, release, 1)
    path = "/apps/shop/releases/2/proofs/production"
    found = ready.page(path, ready.person("a@example.org", ADMIN))
    assert found.status == 200
    assert "sandbox" in found.headers["content-security-policy"]
    assert "script-src" not in found.headers["content-security-policy"]
    assert EVIL not in found.text
    assert "&lt;script&gt;" in found.text
    tokens = [create_token(ready.ctx, None, "a@example.org", "x", may, 1).secret for may in (["see"], ["see", "logs"])]
    assert [ask(ready.app, path, authorization=f"Bearer {token}").status for token in tokens] == [403, 200]


@pytest.mark.parametrize(
    "path",
    ["/releases/9", "/releases/2?to=nosuch", "/releases/2/proofs/staging", "/releases/2/proofs/nosuch", "/releases/x"],
)
def test_what_is_not_there(ready: Place, path: str) -> None:
    assert ready.page(f"/apps/shop{path}", ready.person("a@example.org", ADMIN)).status == 404


def test_an_environment_that_may_not_be_seen(ready: Place) -> None:
    part = ready.person("part@example.org", VIEWER, "shop", "staging")
    assert ready.page("/apps/shop/releases/2", part).status == 200
    assert ready.page("/apps/shop/releases/2?to=production", part).status == 404
    assert ready.page("/apps/shop/releases/2", ready.person("o@example.org", VIEWER, "other")).status == 404


def test_who_may_approve_rejects_what_waits_and_the_release_says_so(ready: Place) -> None:
    ledger = ready.ctx.ledger
    admin, releaser = ready.person("a@example.org", ADMIN), ready.person("r@example.org", RELEASER)
    path, button = "/apps/shop/releases/2?to=production", 'formaction="/apps/shop/environments/production/reject"'
    ready.observer.look("shop")
    board = ready.observer.board("shop")
    gate = Gate(2, "Add a price", ("needs 1 approval",))
    ready.observer._boards["shop"] = dataclasses.replace(board, gates={"production": gate})
    assert "Approve these images" in ready.page(path, releaser).text
    assert button not in ready.page(path, releaser).text, "nothing waits"
    waiting = ledger.add_waiting(waits(2))
    assert waiting is not None
    ready.observer.look("shop")
    board = ready.observer.board("shop")
    ready.observer._boards["shop"] = dataclasses.replace(board, gates={"production": gate})
    assert button in ready.page(path, releaser).text
    assert button in ready.page("/apps/shop", admin).text
    assert button not in ready.page(path).text  # a viewer may not
    reject(dataclasses.replace(ready.ctx, actor="r@example.org"), "shop", "production", 2, f"not yet {EVIL}")
    found = ready.page(path, admin).text
    assert "Rejected by r@example.org" in found
    assert "not yet &lt;script&gt;" in found
    later = Approval("shop", "production", 2, "digest", "a@example.org", "now", ready.ctx.clock() + 60)
    ledger.add_approval(later)
    assert "Rejected by" not in ready.page(path, admin).text


def test_its_packages_and_signatures_are_on_its_page(ready: Place) -> None:
    found = ready.page("/apps/shop/releases/2?to=staging").text
    for seen in ("Where its images come from", "not signed", "no SBOM was made", "Packages in place of those of r1"):
        assert seen in found, seen
