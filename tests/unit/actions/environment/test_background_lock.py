"""Nobody's command fails because the caretaker of what is on standby is at work for a moment."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.environment.locks import CARETAKER, TTL, environment_lease
from shipway.domain.errors import LeaseHeld
from shipway.domain.release import Lease
from tests.unit.world import Notes, World


class Ending(Notes):
    """A reporter; when it hears that somebody waits, the caretaker has done its work."""

    def __init__(self, world: World, lease: Lease) -> None:
        super().__init__(world.notes)
        self._world, self._lease = world, lease

    def note(self, text: str) -> None:
        super().note(text)
        self._world.ledger.free(self._lease)


def held(world: World, actor: str) -> Lease:
    return world.ledger.acquire("shop/staging", f"{actor} (process 1 on another)", "drained", TTL)


def test_it_is_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    ctx = dataclasses.replace(world.controller(), reporter=Ending(world, held(world, CARETAKER)))
    with environment_lease(ctx, "shop", "staging", "a rollback"):
        pass
    assert world.notes[0].startswith("waiting: shop/staging is locked by standby (process 1 on another) since")


def test_but_nobody_else_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    held(world, "ada@example.org")
    with pytest.raises(LeaseHeld), environment_lease(world.controller(), "shop", "staging", "a rollback"):
        pass
    assert world.notes == []
