"""A time is restored from all files and the log of changes, and a verification replays it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.backups.point_in_time import fetch_moment, open_moment
from shipway.actions.backups.verify import verify
from shipway.actions.deployments.recover import exclusive_access
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import Damaged, UsageError
from shipway.testing.faults import Death, Killed
from tests.unit.actions.backups.archiving import Archiving, shop

__all__ = ["shop"]


def test_a_time_becomes_a_snapshot(shop: Archiving) -> None:
    shop.backup()
    shop.server.write(2)
    until = shop.archive().until
    assert until is not None
    ctx = shop.controller()
    moment = open_moment(ctx, "shop", "staging", until - 0.005, None)
    assert [item.number for item in moment.segments] == [1, 2, 3]
    made = fetch_moment(ctx, "shop", "staging", moment)
    assert (made.rows, made.schema, made.release, made.volumes) == ({"public.pets": 3}, "0001", 1, {})
    assert shop.world.ledger.snapshots("shop", "staging")[0] == made
    assert not [name for name in shop.world.runtime.volumes if name.endswith(".recovery")]
    assert not [name for name in shop.world.runtime.containers if "recovery" in name]


@pytest.mark.every_point
def test_a_restore_killed_at_every_point(tmp_path: Path) -> None:
    def ready(folder: Path) -> tuple[Archiving, float]:
        folder.mkdir()
        made = Archiving(folder)
        made.backup()
        made.server.write(2)
        until = made.archive().until
        assert until is not None
        return made, until - 0.005

    def restored(shop: Archiving, at: float, dies: Death | None = None) -> None:
        ctx = shop.controller(dies)
        fetch_moment(ctx, "shop", "staging", open_moment(ctx, "shop", "staging", at, None))

    whole, at = ready(tmp_path / "whole")
    death = Death(0, after=False)
    restored(whole, at, death)
    whole.world.close()
    for number in range(1, death.effects + 1):
        shop, at = ready(tmp_path / f"{number}")
        with pytest.raises(Killed):
            restored(shop, at, Death(number, after=True))
        shop.world.now += 3600
        with exclusive_access(shop.controller(), "shop", "staging", "another command"):
            assert not [name for name in shop.world.runtime.volumes if name.endswith(".recovery")], number
        restored(shop, at)
        assert not [name for name in shop.world.runtime.volumes if name.endswith(".recovery")], number
        shop.world.close()


def test_times_that_are_not_there(shop: Archiving) -> None:
    ctx = shop.controller()
    with pytest.raises(UsageError, match="before the first backup") as found:
        open_moment(ctx, "shop", "staging", shop.world.now, None)
    assert "no time can be restored yet" in (found.value.hint or "")
    early = shop.world.now
    shop.backup()
    with pytest.raises(UsageError, match="before the first backup"):
        open_moment(ctx, "shop", "staging", early - 1, None)
    with pytest.raises(UsageError, match="stored up to"):
        open_moment(ctx, "shop", "staging", shop.world.now, None)
    with pytest.raises(UsageError, match="in the future"):
        open_moment(ctx, "shop", "staging", shop.world.now + 100, None)


def test_a_damaged_segment(shop: Archiving) -> None:
    shop.backup()
    shop.server.write()
    until = shop.archive().until
    assert until is not None
    name = next(name for name in shop.store.objects if f"-{2:024}-" in name)
    shop.store.objects[name] = shop.store.objects[name][:-1]
    ctx = shop.controller()
    with pytest.raises(Damaged):
        fetch_moment(ctx, "shop", "staging", open_moment(ctx, "shop", "staging", until - 0.005, None))
    assert shop.world.ledger.snapshots("shop", "staging") == []
    assert not [name for name in shop.world.runtime.volumes if name.endswith(".recovery")]


def test_a_verification_leaves_a_restore_alone(shop: Archiving) -> None:
    """They hold different locks: what one replays is in no volume of the other."""
    shop.backup()
    until = shop.archive().until
    assert until is not None
    ctx = shop.controller()
    started: list[set[str]] = []
    create = shop.world.runtime.create

    def seen(spec: ContainerSpec) -> str:
        if "recovery" in spec.name and spec.command:
            started.append({*spec.volumes})
        return create(spec)

    shop.world.runtime.create = seen  # type: ignore[method-assign]
    fetch_moment(ctx, "shop", "staging", open_moment(ctx, "shop", "staging", until - 0.005, None))
    verify(ctx, "shop", "staging", "latest", None)
    restoring, verifying = started[0], started[-1]
    assert restoring != verifying
    assert not restoring & verifying


def test_a_verification_replays(shop: Archiving) -> None:
    shop.backup()
    shop.server.write(2)
    shop.archive()
    done = verify(shop.controller(), "shop", "staging", "latest", None)
    assert "all files and 3 segments of the log of changes replayed" in done.how
