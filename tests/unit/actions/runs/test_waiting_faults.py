"""Deployments that waited go out once: approvals in the same moment, processes that die, ledgers and repositories that are away."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.runs.waiting import Opened, due, take_up
from shipway.domain.errors import (
    DeploymentWaits,
    LeaseHeld,
    RepositoryError,
    ShipwayError,
    StoreError,
)  # fmt: skip
from shipway.domain.release import FAILED, SUCCEEDED, Approval
from shipway.domain.waiting import ATTEMPTS
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.unit.actions.runs.waiting import EVE, GRACE, WHERE, Place, place

__all__ = ["place"]


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
