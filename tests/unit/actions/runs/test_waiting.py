"""Deployments that wait for approvals or for the end of a hold: they go out once, and only if nothing is against them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.waits import end_hold, hold_of
from shipway.actions.environment.environments import KnownApp
from shipway.actions.people.manage import add_person, grant, remove_person
from shipway.actions.people.tokens import create_token, revoke_token
from shipway.actions.projects.in_force import Rulebook, read_rules
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.runs.run import run
from shipway.actions.runs.waiting import Opened, due, reject, sources, take_up
from shipway.actions.upkeep.cancel import cancel_waiting_there
from shipway.context import Context
from shipway.domain.errors import (
    DeploymentWaits,
    GateRefused,
    LeaseHeld,
    NotAllowed,
    RepositoryError,
    ShipwayError,
    StoreError,
    UsageError,
)  # fmt: skip
from shipway.domain.permissions import RELEASER
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, SUPERSEDED, Approval, Deployment, Release, Trigger
from shipway.domain.waiting import ATTEMPTS
from shipway.system.git import Repository
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.unit.actions.deployments.host_deployment import PRODUCTION, STAGING, HostDeployment, commit, parse_plan, text
from tests.unit.domain import samples
from tests.unit.system.repositories import copied, new_model
from tests.unit.system.test_git import git

ASKING = {**PRODUCTION, "approvals": {"count": 2}, "standby": "0s"}
GRACE, EVE, ADA = "grace@example.org", "eve@example.org", "ada@example.org"
WHERE = ("shop", "production")


class Place(HostDeployment):
    """production asks for two approvals, and staging has validated v1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.first = self.runs((self.path / ".git/refs/tags/v1").read_text().strip())

    @staticmethod
    @cache
    def model() -> Path:
        """With a commit that has the tag v1."""
        made = copied(HostDeployment.model(), new_model() / "work")
        git(made, "switch", "--quiet", "main")
        commit(made, "asking", text(staging=STAGING, production=ASKING))
        commit(made, "one")
        git(made, "tag", "v1")
        return made

    def tagged(self, name: str, tag: str, plan: str | None = None) -> Release:
        """A release of a new commit with a tag, which staging has validated."""
        revision = self.commit(name, plan)
        git(self.path, "tag", tag)
        return self.runs(revision)

    def runs(self, revision: str, outcome: str = SUCCEEDED, environment: str = "staging") -> Release:
        number = len(self.ctx.ledger.releases("shop", limit=100)) + 1
        image = f"registry/shop/web@sha256:{number:064d}"
        self.world.images.public.add(image)
        tree = git(self.path, "rev-parse", f"{revision}^{{tree}}").strip()
        made = replace(
            samples.release(), revision=revision, tree=tree, plan=self.plan(revision), digest="", images={"web": image},
            schema=None,
        )  # fmt: skip
        made = self.ctx.ledger.add_release(made)
        record = Deployment(0, "shop", environment, made.number, "deploy", "ada", "", self.ctx.clock())
        self.ctx.ledger.end_deployment(self.ctx.ledger.begin_deployment(record), outcome, self.ctx.clock(), None, "")
        return made

    def push(self, tag: str, ctx: Context | None = None, person: str = "", token: int = 0) -> object:
        """The run of a pushed tag."""
        own = replace(ctx or self.world.controller(), actor=ADA)
        commit = self.repository.commit(tag)
        trigger = Trigger("tag", f"refs/tags/{tag}", ADA)
        rules = partial(read_rules, own, self.repository, self.plan(tag), parse_plan)
        return run(
            own, self.repository, commit, self.plan(tag), trigger, rules=rules, wait=0.0, person=person, token=token,
        )  # fmt: skip

    def approve(self, release: Release, *people: str) -> None:
        for person in people:
            self.ctx.ledger.add_approval(Approval(*WHERE, release.number, release.digest, person, "", self.ctx.clock()))

    def opened(self, ctx: Context) -> Opened:
        def found(release: Release, revision: str) -> tuple[Repository, Rulebook]:
            return self.repository, read_rules(ctx, self.repository, release.plan, parse_plan)

        return found

    def take_up(self, ctx: Context | None = None) -> Deployment | None:
        own = ctx or self.world.controller()
        return take_up(own, *WHERE, self.opened(own))

    def waits(self, tag: str = "v1") -> None:
        with pytest.raises(DeploymentWaits, match="needs 2 approvals"):
            self.push(tag)

    def running(self) -> int:
        """The release that the ledger takes for running."""
        current = self.world.ledger.current(*WHERE)
        return current.release if current else 0

    def history(self) -> list[tuple[int, str]]:
        return [(item.release, item.outcome) for item in self.ctx.ledger.deployments(*WHERE)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    made = Place(tmp_path)
    yield made
    made.world.close()


def test_a_tag_before_its_approval_waits_and_goes_out_with_the_last_one(place: Place) -> None:
    with pytest.raises(DeploymentWaits) as told:
        place.push("v1")
    assert "shipway approve production r1" in told.value.hint
    assert "shipway cancel production" in told.value.hint
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert (found.release, found.actor, found.ref) == (1, ADA, "refs/tags/v1")
    assert "needs 2 approvals and has 0" in found.why[0]
    assert due(place.ctx) == [], "nothing was decided since"
    place.approve(place.first, GRACE)
    assert [item.id for item in due(place.ctx)] == [found.id]
    assert place.take_up() is None
    assert due(place.ctx) == []
    place.approve(place.first, EVE)
    done = place.take_up()
    assert done is not None
    assert (done.release, done.outcome, done.actor) == (1, SUCCEEDED, ADA)
    assert place.ctx.ledger.waiting(*WHERE) is None
    assert place.take_up() is None
    assert place.history() == [(1, SUCCEEDED)]


def test_what_else_is_against_it_leaves_nothing_waiting(place: Place) -> None:
    revision = place.commit("never validated")
    git(place.path, "tag", "v2")
    place.runs(revision, FAILED)
    with pytest.raises(GateRefused) as refused:
        place.push("v2")
    assert not isinstance(refused.value, DeploymentWaits)
    assert "not validated on staging" in refused.value.message
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_a_person_s_deployment_is_refused_and_does_not_wait(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted

    book = place.book()
    with pytest.raises(DeploymentWaits, match="needs 2 approvals"):
        admitted(
            place.ctx, place.repository.commit("v1"), "shop", book, book.of(place.ctx, "production"), "refs/tags/v1"
        )
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_a_moved_tag_is_dropped_and_says_why(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    git(place.path, "tag", "--force", "v1", place.commit("another"))
    with pytest.raises(GateRefused, match="the tag v1 now points to"):
        place.take_up()
    (record,) = place.ctx.ledger.deployments(*WHERE)
    assert (record.outcome, record.release) == (FAILED, 1)
    assert record.detail.startswith("refused: the tag v1 now points to")
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_rules_that_changed_refuse_it(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    place.commit("stricter", text(staging=STAGING, production={**ASKING, "on": {"tag": "release-*", "branch": "main"}}))
    with pytest.raises(GateRefused, match="accepts only revisions with a tag like 'release-"):
        place.take_up()
    assert place.ctx.ledger.waiting(*WHERE) is None
    assert place.running() == 0


def test_an_approval_that_expired_meanwhile_does_not_count(place: Place) -> None:
    place.commit("shorter", text(staging=STAGING, production={**ASKING, "approvals": {"count": 2, "expire": "1h"}}))
    release = place.tagged("two", "v2")
    place.waits("v2")
    place.approve(release, GRACE)
    place.world.now += 3700
    place.approve(release, EVE)
    assert place.take_up() is None
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert "the approval of grace@example.org has expired" in found.why[0]


def test_a_newer_one_supersedes_it_and_an_older_one_does_not_come_back(place: Place) -> None:
    second = place.tagged("two", "v2")
    place.waits("v1")
    place.waits("v2")
    assert place.history() == [(1, SUPERSEDED)]
    with pytest.raises(DeploymentWaits, match=r"release 1 is superseded: release 2 of .* waits there already"):
        place.push("v1")
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert found.release == second.number
    place.approve(second, GRACE, EVE)
    place.take_up()
    assert place.history() == [(2, SUCCEEDED), (1, SUPERSEDED), (1, SUPERSEDED)]


def test_of_two_runs_at_the_same_time_the_newer_commit_waits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.tagged("two", "v2")
    own = place.world.controller()
    add = own.ledger.add_waiting
    met: list[str] = []

    def late(waiting: Any, over: int) -> Any:
        if not met:
            met.append("v2")
            place.waits("v2")
        return add(waiting, over)

    monkeypatch.setattr(own.ledger, "add_waiting", late)
    with pytest.raises(DeploymentWaits, match="release 1 is superseded"):
        place.push("v1", own)
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert found.ref == "refs/tags/v2"


def test_a_newer_deployment_supersedes_it(place: Place) -> None:
    second = place.tagged("two", "v2")
    place.waits("v1")
    deploy(place.world.controller(), DeployRequest(second, second.plan.environments["production"]))
    assert len(due(place.ctx)) == 1
    place.approve(place.first, GRACE, EVE)
    assert place.take_up() is None
    newest = place.ctx.ledger.deployments(*WHERE)[0]
    assert (newest.outcome, newest.release) == (SUPERSEDED, 1)
    assert "release 2 of" in newest.detail
    assert place.running() == 2


def test_who_deploys_it_by_hand_ends_the_waiting(place: Place) -> None:
    place.waits()
    deploy(place.world.controller(), DeployRequest(place.first, place.first.plan.environments["production"]))
    assert place.ctx.ledger.waiting(*WHERE) is None
    assert place.take_up() is None
    assert place.history() == [(1, SUCCEEDED)]


def test_an_environment_that_was_destroyed_meanwhile_does_not_come_back(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    place.world.now += 10
    record = Deployment(0, *WHERE, 1, "destroy", "ada", "", place.ctx.clock())
    place.ctx.ledger.end_deployment(place.ctx.ledger.begin_deployment(record), SUCCEEDED, place.ctx.clock(), None, "")
    assert place.take_up() is None
    newest = place.ctx.ledger.deployments(*WHERE)[0]
    assert (newest.outcome, newest.detail) == (FAILED, "refused: the environment was destroyed meanwhile")


def test_a_checkout_without_the_commit_uses_the_recorded_repository(place: Place, tmp_path: Path) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "staging", f"file://{place.path}", "another")
    own = replace(place.world.controller(), repository=lambda: Repository(tmp_path / "another"))
    known = KnownApp(own, "shop", None)
    asked: list[str] = []

    def recorded(ctx: Context, app: str) -> Repository:
        asked.append(app)
        return place.repository

    assert take_up(own, *WHERE, sources(known, parse_plan, recorded)) is not None
    assert asked == ["shop"]


def test_cancelled_by_a_person(place: Place) -> None:
    place.waits()
    cancel_waiting_there(replace(place.world.controller(), actor=EVE), *WHERE, "not today")
    place.approve(place.first, GRACE, EVE)
    assert place.take_up() is None
    (record,) = place.ctx.ledger.deployments(*WHERE)
    assert (record.outcome, record.detail) == (CANCELLED, f"cancelled by {EVE}: not today")


def test_rejected_by_a_person_and_overruled_by_approvals(place: Place) -> None:
    place.waits()
    own = replace(place.world.controller(), actor=EVE)
    for release, reason, why in (
        (place.first.number, " ", "needs a reason"),
        (place.first.number + 7, "no", "no deployment of release"),
    ):
        with pytest.raises(UsageError, match=why):
            reject(own, *WHERE, release, reason)
    assert place.ctx.ledger.waiting(*WHERE) is not None
    assert reject(own, *WHERE, place.first.number, "the texts are not ready").release == place.first.number
    with pytest.raises(UsageError, match="no deployment waits"):
        reject(own, *WHERE, None, "again")
    (record,) = place.ctx.ledger.deployments(*WHERE)
    assert (record.outcome, record.detail) == (CANCELLED, f"rejected by {EVE}: the texts are not ready")
    assert place.take_up() is None
    place.approve(place.first, GRACE, EVE)
    place.push("v1")
    assert place.history() == [(1, SUCCEEDED), (1, CANCELLED)]


def test_what_has_begun_is_not_rejected(place: Place) -> None:
    place.waits()
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    place.ctx.ledger.begin_waiting(found.id)
    with pytest.raises(UsageError, match="it has begun"):
        reject(place.world.controller(), *WHERE, None, "no")
    assert place.ctx.ledger.waiting(*WHERE) is not None


def test_who_pushed_must_still_be_allowed_to_deploy(place: Place) -> None:
    add_person(place.ctx, None, ADA)
    grant(place.ctx, None, ADA, RELEASER, "shop")
    with pytest.raises(DeploymentWaits):
        place.push("v1", person=ADA)
    remove_person(place.ctx, None, ADA)
    place.approve(place.first, GRACE, EVE)
    with pytest.raises(NotAllowed):
        place.take_up()
    assert place.history() == [(1, FAILED)]


@pytest.mark.parametrize("how", ["revoked", "expired", "limited"])
def test_the_token_of_a_push_must_still_count(place: Place, how: str) -> None:
    add_person(place.ctx, None, ADA)
    grant(place.ctx, None, ADA, RELEASER, "shop")
    permissions = ["see"] if how == "limited" else ["deploy.protected"]
    made = create_token(place.ctx, None, ADA, "git", permissions, 1).record
    with pytest.raises(DeploymentWaits):
        place.push("v1", person=ADA, token=made.id)
    place.approve(place.first, GRACE, EVE)
    if how == "revoked":
        revoke_token(place.ctx, None, made.id)
    if how == "expired":
        place.world.now += 2 * 86400
    with pytest.raises(NotAllowed):
        place.take_up()
    assert place.history() == [(1, FAILED)]
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_a_token_that_counts_lets_it_go_out(place: Place) -> None:
    add_person(place.ctx, None, ADA)
    grant(place.ctx, None, ADA, RELEASER, "shop")
    made = create_token(place.ctx, None, ADA, "git", ["deploy.protected"], 1).record
    with pytest.raises(DeploymentWaits):
        place.push("v1", person=ADA, token=made.id)
    place.approve(place.first, GRACE, EVE)
    assert place.take_up() is not None
    assert place.running() == 1


def test_an_approval_in_the_moment_of_the_push_is_not_overlooked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    own = place.world.controller()
    add = own.ledger.add_waiting

    def late(waiting: Any, over: int) -> Any:
        place.approve(place.first, GRACE, EVE)
        return add(waiting, over)

    monkeypatch.setattr(own.ledger, "add_waiting", late)
    place.push("v1", own)
    assert place.history() == [(1, SUCCEEDED)]


def test_two_approvals_in_the_same_moment_start_one_deployment(place: Place) -> None:
    place.waits()
    begin = threading.Barrier(2)

    def approves(person: str) -> str:
        own = place.world.controller()
        begin.wait()
        own.ledger.add_approval(Approval(*WHERE, 1, place.first.digest, person, "", own.clock()))
        try:
            return "deployed" if place.take_up(own) else "waits or is done"
        except LeaseHeld:
            return "another does it"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(approves, (GRACE, EVE)))
    assert said.count("deployed") == 1, said
    assert place.history() == [(1, SUCCEEDED)]


def test_a_failed_deployment_of_one_is_not_repeated(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    place.world.runtime.behave("shop_production_web*", Behaviour(healthy=False, exit_code=1))
    with pytest.raises(ShipwayError):
        place.take_up()
    assert place.ctx.ledger.waiting(*WHERE) is None
    assert due(place.ctx) == []
    assert place.history() == [(1, FAILED)]


@pytest.mark.parametrize("method", ["approvals", "acquire", "begin_waiting", "begin_deployment", "history"])
def test_a_ledger_that_is_away_for_a_moment_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    approved(place)
    own = place.world.controller()
    kept, failed = getattr(own.ledger, method), list[str]()

    def away(*given: Any) -> Any:
        if not failed:
            failed.append(method)
            raise StoreError("the ledger is away")
        return kept(*given)

    monkeypatch.setattr(own.ledger, method, away)
    with pytest.raises(StoreError):
        place.take_up(own)
    assert failed
    place.world.now += 60  # no lock is held any more, and the next look is due
    if place.ctx.ledger.waiting(*WHERE):
        assert len(due(place.ctx)) == 1
        place.take_up()
    assert place.history() == [(1, SUCCEEDED)]


def test_a_repository_that_is_away_is_asked_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    approved(place)

    def away(*given: object) -> Opened:
        raise RepositoryError("the repository can't be reached")

    with pytest.raises(RepositoryError):
        take_up(place.ctx, *WHERE, away)  # type: ignore[arg-type]
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert found.why[-1] == "another attempt, after: the repository can't be reached"
    assert due(place.ctx) == []
    place.world.now += 61
    assert len(due(place.ctx)) == 1
    assert place.take_up() is not None


def approved(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)


@pytest.mark.every_point
def test_whoever_takes_it_up_dies_at_every_point(place: Place, tmp_path: Path) -> None:
    """The next one takes it up; at the end the release was deployed successfully once."""
    approved(place)
    begun, count = place.world, Death(0, after=False)
    place.world = begun.copy(tmp_path / "count")
    place.take_up(place.world.controller(dies=count))
    place.world.close()
    for at, after in every(count.effects):
        place.world = begun.copy(tmp_path / f"{at}-{after}")
        place.ctx = place.world.controller()
        with pytest.raises(Killed):
            place.take_up(place.world.controller(dies=Death(at, after=after)))
        place.world.now += 60  # its locks are over
        if place.ctx.ledger.waiting(*WHERE):
            assert len(due(place.ctx)) == 1, (at, after)
            place.take_up()
        with exclusive_access(place.ctx, *WHERE, "the next command"):
            pass  # it recovers what was left
        assert place.running() == 1, (at, after)
        assert place.ctx.ledger.waiting(*WHERE) is None, (at, after)
        assert [outcome for _, outcome in place.history()].count(SUCCEEDED) == 1, (at, after)
        assert place.ctx.ledger.pending(*WHERE) == [], (at, after)
        place.world.close()
    assert count.effects > 10


def test_one_whose_process_dies_in_each_deployment_comes_to_an_end(place: Place) -> None:
    approved(place)
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    for _ in range(ATTEMPTS):
        assert len(due(place.ctx)) == 1
        place.ctx.ledger.begin_waiting(found.id)
    assert place.take_up() is None
    (record,) = place.ctx.ledger.deployments(*WHERE)
    assert (record.outcome, record.detail) == (FAILED, f"its process died during {ATTEMPTS} deployments of it")


# Holds


def rolled_back(place: Place) -> tuple[Release, Release]:
    second = place.tagged("two", "v2")
    for release in (place.first, second):
        deploy(place.world.controller(), DeployRequest(release, release.plan.environments["production"]))
    own = replace(place.world.controller(), actor=EVE)
    rollback(own, *WHERE, RollbackRequest(reason="v2 is slow"))
    return place.first, second


def test_a_rollback_holds_pushes_until_a_person_ends_that(place: Place) -> None:
    rolled_back(place)
    hold = hold_of(place.ctx, *WHERE)
    assert hold is not None
    assert (hold.release, hold.actor, hold.reason) == (2, EVE, "v2 is slow")
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    with pytest.raises(DeploymentWaits, match=f"{EVE} rolled back release 2") as told:
        place.push("v3")
    assert "shipway resume production" in told.value.hint
    assert place.take_up() is None
    assert place.running() == 1
    assert end_hold(place.ctx, *WHERE, "fixed")
    assert not end_hold(place.ctx, *WHERE, "again")
    assert len(due(place.ctx)) == 1
    assert place.take_up() is not None
    assert place.running() == 3


def test_a_person_deploys_during_a_hold_only_if_they_say_so(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.waits import Asked

    rolled_back(place)
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    book, commit = place.book(), place.repository.commit("v3")

    def ask(asked: Asked) -> DeployRequest:
        return admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), "refs/tags/v3", asked)

    with pytest.raises(GateRefused, match="is on hold") as refused:
        ask(Asked())
    assert "--resume" in refused.value.hint
    deploy(place.ctx, ask(Asked(resume=True)))
    assert hold_of(place.ctx, *WHERE) is None


def test_a_rollback_while_a_run_waited_for_the_lock_holds_it(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted

    second = place.tagged("two", "v2")
    for release in (place.first, second):
        deploy(place.world.controller(), DeployRequest(release, release.plan.environments["production"]))
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    book, commit = place.book(), place.repository.commit("v3")
    in_force = book.of(place.ctx, "production")
    order = admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v3")
    rollback(place.world.controller(), *WHERE, RollbackRequest())
    with pytest.raises(GateRefused, match=r"is on hold|rejects"):
        deploy(place.ctx, order)
    assert place.running() == 1


FROZEN = {**ASKING, "approvals": {"count": 1}, "freeze": {"from": "1970-01-01 01:00", "to": "1970-01-01 02:00"}}


def frozen(place: Place) -> Release:
    """A release with its approval, whose deployment is asked for within a freeze of the protected plan."""
    place.commit("frozen", text(staging=STAGING, production=FROZEN))
    release = place.tagged(
        "two", "v2", text(staging=STAGING, production={**FROZEN, "freeze": {"from": "2026-01-01", "to": "2026-01-01"}})
    )
    git(place.path, "revert", "--no-edit", "HEAD")  # main has the freeze, the tag's commit another
    place.approve(release, GRACE)
    place.world.now = 4000.0
    return release


def test_within_a_freeze_a_push_waits_for_its_end(place: Place) -> None:
    frozen(place)
    with pytest.raises(DeploymentWaits, match=r"production is frozen until 1970-01-01 02:00 UTC") as told:
        place.push("v2")
    assert "`shipway tick` takes it up" in told.value.hint
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert found.until == 7200.0
    assert due(place.ctx) == []
    assert place.take_up() is None
    place.world.now = 7200.0
    assert [item.id for item in due(place.ctx)] == [found.id]
    assert place.take_up() is not None
    assert place.running() == 2


def test_a_freeze_of_the_release_that_runs_counts_too_and_a_rollback_is_exempt(place: Place) -> None:
    release = frozen(place)
    place.commit("thawed", text(staging=STAGING, production=ASKING))
    deploy(place.ctx, DeployRequest(place.first, place.first.plan.environments["production"]))
    deploy(place.ctx, DeployRequest(release, release.plan.environments["production"]))
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    place.world.now = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    with pytest.raises(
        DeploymentWaits, match=r"is frozen until 2026-01-02 00:00 UTC .* \(a rule of release 2, which runs there\)"
    ):
        place.push("v3")
    rollback(place.world.controller(), *WHERE, RollbackRequest())
    assert place.running() == 1


def test_a_freeze_that_begins_while_a_run_waits_for_the_lock_stops_it(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted

    frozen(place)
    place.world.now = 3000.0
    book = place.book()
    order = admitted(
        place.ctx, place.repository.commit("v2"), "shop", book, book.of(place.ctx, "production"), "refs/tags/v2"
    )
    place.world.now = 3600.0
    with pytest.raises(DeploymentWaits, match="is frozen until") as told:
        deploy(place.ctx, order)
    assert told.value.until == 7200.0


def test_a_person_overrides_a_freeze_with_a_reason_that_is_recorded(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.waits import Asked

    frozen(place)
    book = place.book()
    in_force, commit = book.of(place.ctx, "production"), place.repository.commit("v2")
    with pytest.raises(GateRefused, match="is frozen until") as refused:
        admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v2")
    assert "--override-freeze --reason TEXT" in refused.value.hint
    asked = Asked(despite_freeze="customers can't pay")
    done = deploy(place.ctx, admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v2", asked))
    assert done is not None
    assert done.reason == "v2: two; despite the freeze, since customers can't pay"


def test_a_destroyed_environment_is_not_on_hold(place: Place) -> None:
    rolled_back(place)
    record = Deployment(0, *WHERE, 1, "destroy", "ada", "", place.ctx.clock())
    place.ctx.ledger.end_deployment(place.ctx.ledger.begin_deployment(record), SUCCEEDED, place.ctx.clock(), None, "")
    assert hold_of(place.ctx, *WHERE) is None


# Hotfixes


def hotfix(place: Place, running: object, protected: object) -> Callable[[str], DeployRequest]:
    """A tag whose release staging never validated, and what asks for its deployment."""
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.waits import Asked

    place.commit("rules", text(staging=STAGING, production=running))
    before = place.tagged("before", "v2")
    deploy(place.ctx, DeployRequest(before, before.plan.environments["production"]))
    revision = place.commit("fix", text(staging=STAGING, production=protected))
    git(place.path, "tag", "v3")
    place.runs(revision, FAILED)

    def ask(reason: str) -> DeployRequest:
        book = place.book()
        in_force, commit = book.of(place.ctx, "production"), place.repository.commit("v3")
        return admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v3", Asked(hotfix=reason))

    return ask


ALLOWED = {**ASKING, "approvals": {"count": 1}, "hotfix": {"approvals": 2}}


def test_a_hotfix_skips_the_validation_with_one_approval_more_and_is_marked_for_ever(place: Place) -> None:
    from shipway.actions.deployments.waits import hotfix_of

    ask = hotfix(place, ALLOWED, ALLOWED)
    with pytest.raises(GateRefused, match="was not validated on staging"):
        ask("")
    newest = place.ctx.ledger.releases("shop", limit=1)[0]
    place.approve(newest, GRACE)
    with pytest.raises(DeploymentWaits, match="needs 2 approvals and has 1") as told:
        ask("nobody can pay")
    assert "shipway deploy production v3 --hotfix --reason TEXT" in told.value.hint
    place.approve(newest, EVE)
    done = deploy(place.ctx, ask("nobody can pay"))
    assert done is not None
    assert done.reason == "v3: fix; a hotfix, since nobody can pay"
    assert hotfix_of(place.ctx, *WHERE, newest.number) == "nobody can pay"
    assert hotfix_of(place.ctx, *WHERE, newest.number - 1) == ""


@pytest.mark.parametrize("strict", ["running", "protected"])
def test_a_hotfix_must_be_allowed_by_each_rule_set(place: Place, strict: str) -> None:
    closed = {key: value for key, value in ALLOWED.items() if key != "hotfix"}
    rules = {"running": ALLOWED, "protected": ALLOWED, strict: closed}
    ask = hotfix(place, rules["running"], rules["protected"])
    place.approve(place.ctx.ledger.releases("shop", limit=1)[0], GRACE, EVE)
    with pytest.raises(GateRefused, match="production allows no hotfix") as refused:
        ask("nobody can pay")
    assert not isinstance(refused.value, DeploymentWaits)


def test_each_rule_set_asks_for_its_approvals_of_a_hotfix(place: Place) -> None:
    ask = hotfix(place, {**ALLOWED, "hotfix": {"approvals": 3}}, ALLOWED)
    place.approve(place.ctx.ledger.releases("shop", limit=1)[0], GRACE, EVE)
    with pytest.raises(DeploymentWaits, match=r"needs 3 approvals and has 2 \(a rule of release 2, which runs there\)"):
        ask("nobody can pay")
