"""A lock that can't be renewed, clocks that differ, and what a lost lock is told apart from."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.environment import locks as leases
from shipway.actions.environment.locks import environment_lease
from shipway.context import Context
from shipway.domain.errors import Interrupted, LeaseHeld
from shipway.testing.faults import Fault, Faulty, lost_connection
from tests.unit.world import World

TTL = 0.6


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Whose clock is the machine's, and whose locks end soon."""
    monkeypatch.setattr(leases, "TTL", TTL)
    monkeypatch.setattr(leases, "MARGIN", 0.1)
    made = World(tmp_path, waits=True)
    yield made
    made.close()


class Renewals(Faulty):
    """A ledger of which only renewals fail, or are slow."""

    def __getattr__(self, name: str) -> object:
        return super().__getattr__(name) if name == "renew" else getattr(self._inner, name)


def renewing(ctx: Context, fault: Fault) -> Context:
    return dataclasses.replace(ctx, ledger=Renewals(ctx.ledger, fault))


@pytest.mark.parametrize("after", [False, True])
def test_one_failed_renewal_does_not_end_the_others(world: World, after: bool) -> None:
    fault = Fault(1, lost_connection, after=after)
    with environment_lease(renewing(world.controller(), fault), "shop", "staging", "a long migration"):
        time.sleep(TTL * 1.5)  # nothing is called that would renew it
        with (
            pytest.raises(LeaseHeld, match="a long migration"),
            environment_lease(world.controller(), "shop", "staging", "another"),
        ):
            pass
    assert fault.done
    assert fault.calls > 2


def test_a_ledger_that_stays_away_cancels_when_the_lock_has_ended(world: World) -> None:
    ctx = renewing(world.controller(), Fault(1, lost_connection, for_good=True))

    def waiting() -> None:
        started = time.monotonic()
        with environment_lease(ctx, "shop", "staging", "mine") as own:
            assert own.cancelled.wait(5)
            assert 0.9 * TTL < time.monotonic() - started < 3 * TTL
            with pytest.raises(LeaseHeld, match="could not be renewed"):
                own.runtime.remove("x")
            raise Interrupted("interrupted")  # what every wait under way raises

    with pytest.raises(LeaseHeld, match="could not be renewed: the ledger can't be used"):
        waiting()
    assert not ctx.cancelled.is_set()


def test_an_interrupt_is_no_lost_lock(world: World) -> None:
    ctx = world.controller()

    def interrupted() -> None:
        with environment_lease(ctx, "shop", "staging", "mine"):
            ctx.cancelled.set()
            raise Interrupted("interrupted")

    with pytest.raises(Interrupted):
        interrupted()
    assert ctx.cancelled.is_set()


def test_a_slow_renewal_counts_from_when_it_was_asked_for(world: World) -> None:
    slow = Fault(1, lost_connection, delay=lambda: time.sleep(TTL))
    with suppress(LeaseHeld), environment_lease(renewing(world.controller(), slow), "shop", "staging", "mine") as own:
        time.sleep(TTL * 1.4)
        with environment_lease(world.controller(), "shop", "staging", "another"), pytest.raises(LeaseHeld):
            own.runtime.remove("x")


@pytest.mark.parametrize("ahead", [20.0, -20.0])
def test_a_machine_whose_clock_is_wrong_takes_no_lock_that_is_held(tmp_path: Path, ahead: float) -> None:
    world = World(tmp_path)
    with environment_lease(world.controller(), "shop", "staging", "ada deploys") as ada:
        with (
            pytest.raises(LeaseHeld, match="ada deploys"),
            environment_lease(world.controller(ahead=ahead), "shop", "staging", "ben deploys"),
        ):
            pass
        ada.runtime.remove("x")
    with environment_lease(world.controller(ahead=ahead), "shop", "staging", "ben deploys") as ben:
        ben.runtime.remove("x")  # and keeps his own
