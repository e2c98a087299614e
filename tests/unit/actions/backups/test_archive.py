"""The log of changes in memory: stored in order, killed at every point, gaps, failures, and until when it is kept."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from shipway.actions.backups import take
from shipway.actions.backups.archive import archive, archive_due
from shipway.actions.backups.due import take_due
from shipway.actions.backups.point_in_time import open_moment
from shipway.actions.database.client import DatabaseClient
from shipway.domain.backups import STORED, Base, Part
from shipway.domain.errors import BackupFailed, StoreGone, UsageError
from shipway.system.sealing import decrypted
from shipway.testing.faults import Death, Killed
from tests.unit.actions.backups.archiving import CONTINUOUS, Archiving, Failing, content, shop
from tests.unit.actions.backups.test_take import PRIVATE, SETTINGS

__all__ = ["shop"]


def test_what_is_stored(shop: Archiving) -> None:
    made = shop.backup()
    assert made.manifest.base is not None
    assert [part.name for part in made.manifest.parts] == ["database", "base"]
    assert "2 tables" not in made.how
    shop.server.write(2)
    done = shop.archive()
    assert shop.stored == [1, 2, 3]
    assert (done.problem, done.gap, done.until is not None) == ("", "", True)
    name = next(name for name in shop.store.objects if f"-{2:024}-" in name)
    packed = b"".join(decrypted(iter((shop.store.objects[name],)), PRIVATE))
    assert zlib.decompress(packed, 31) == content(2)
    assert len([name for name in shop.store.objects if "/until-" in name]) == 1
    shop.archive()
    assert shop.server.kept == range(4, 4), "the next call says what is stored"


@pytest.mark.every_point
def test_killed_at_every_point(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = Archiving(tmp_path / "whole")
    whole.backup()
    whole.server.write(2)
    death = Death(0, after=False)
    whole.archive(death)
    whole.world.close()
    assert death.effects > 3
    for at in range(1, death.effects + 1):
        for after in (False, True):
            (folder := tmp_path / f"{at}-{after}").mkdir()
            shop = Archiving(folder)
            shop.backup()
            shop.server.write(2)
            with pytest.raises(Killed):
                shop.archive(Death(at, after=after))
            assert set(shop.stored) | set(shop.server.kept) >= {1, 2, 3}, "each is stored, or still kept"
            shop.world.now += 3600
            shop.server.write()
            assert shop.archive().gap == ""
            assert shop.stored == [1, 2, 3, 4], (at, after)
            assert len([name for name in shop.store.objects if "/until-" in name]) == 1, (at, after)
            shop.world.close()


def test_a_gap(shop: Archiving) -> None:
    shop.backup()
    reached = shop.archive().until
    assert reached is not None
    shop.server.write(3)
    shop.server.first = 4
    assert "no longer has 2 segments" in shop.archive().gap
    ctx = shop.controller()
    assert open_moment(ctx, "shop", "staging", reached - 0.005, None).at
    with pytest.raises(UsageError, match="has a gap there") as found:
        open_moment(ctx, "shop", "staging", shop.world.now, None)
    assert "possible, in UTC" in (found.value.hint or "")
    shop.archive()
    state = shop.state
    assert state is not None
    assert state.gap, "it stays until there is a backup"
    shop.backup()
    shop.server.write()
    until = shop.archive().until
    assert until is not None
    assert (state := shop.state) is not None
    assert not state.gap
    assert open_moment(shop.controller(), "shop", "staging", until - 0.005, None).manifest.name == shop.known[0].name


def test_a_failure_is_recorded_and_repeated(shop: Archiving) -> None:
    shop.backup()
    shop.server.write()
    shop.store.gone = True
    with pytest.raises(StoreGone):
        shop.archive()
    assert (state := shop.state) is not None
    assert (bool(state.problem), state.until is not None) == (True, True)
    shop.store.gone = False
    assert shop.archive().problem == ""
    container = shop.world.runtime.containers["shop_staging_db"]
    answers: Mapping[str, tuple[int, str]] = Failing()
    container.behaviour = dataclasses.replace(container.behaviour, answers=answers)
    with pytest.raises(BackupFailed, match="wal_level is minimal"):
        shop.archive()


def test_a_deployment_goes_on_while_all_files_are_copied(shop: Archiving, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = take._base

    def slow(shell: DatabaseClient) -> tuple[Part, Base]:
        shop.deploy(2)
        return copy(shell)

    monkeypatch.setattr(take, "_base", slow)
    assert shop.backup().manifest.base is not None
    assert (current := shop.world.ledger.current("shop", "staging")) is not None
    assert current.release == 2


def test_a_log_that_fails_does_not_fail_the_dump(shop: Archiving) -> None:
    container = shop.world.runtime.containers["shop_staging_db"]
    working = container.behaviour
    container.behaviour = dataclasses.replace(working, answers=Failing())
    with pytest.raises(BackupFailed, match=r"(?s)a part of it failed:.*log of changes: .*wal_level is minimal"):
        shop.backup()
    (made,) = shop.known
    assert (made.good, made.manifest.base is not None) == (True, True), "what could be taken is good"
    assert (state := shop.state) is not None
    assert state.problem
    container.behaviour = working
    shop.server.write()
    shop.world.now += 300
    archive_due(shop.controller())
    assert (state := shop.state) is not None
    assert (state.problem, state.until is not None) == ("", True), "the tick repeats it"


def test_all_files_that_can_not_be_copied_do_not_fail_the_dump(tmp_path: Path) -> None:
    shop = Archiving(tmp_path, dataclasses.replace(CONTINUOUS, at="30 2 * * *"))
    first = shop.backup()
    shop.copied = False
    shop.world.now += 86400
    with pytest.raises(BackupFailed, match="base: the files of the server were not copied"):
        shop.backup()
    last, before = shop.known
    assert (last.good, last.manifest.base, list(last.manifest.lacks)) == (True, None, ["base"])
    assert (before.name, before.outcome) == (first.name, STORED), "the last one with all its parts stays"
    with pytest.raises(BackupFailed, match="a part of it failed"):
        take_due(shop.controller())
    assert take_due(shop.controller()) == [], "it is repeated after a pause"
    shop.world.now += 700
    shop.copied = True
    shop.prepare()
    assert [item.manifest.lacks for item in take_due(shop.controller())] == [{}]
    assert take_due(shop.controller()) == []
    shop.world.close()


def test_the_tick_stores_what_is_due(shop: Archiving) -> None:
    shop.server.write()
    archive_due(shop.controller())
    assert shop.stored == [], "the first backup begins it"
    shop.backup()
    before = shop.stored
    shop.server.write()
    archive_due(shop.controller())
    assert shop.stored == before, "not before its time"
    shop.world.now += 300
    archive_due(shop.controller())
    assert shop.stored == [*before, before[-1] + 1]


def test_a_clock_that_was_set_back_stops_nothing(shop: Archiving) -> None:
    shop.backup()
    right = shop.world.now
    shop.world.now += 3650 * 86400
    shop.server.write()
    archive_due(shop.controller())
    before = shop.stored
    shop.world.now = right + 10
    shop.server.write()
    archive_due(shop.controller())
    assert shop.stored == [*before, before[-1] + 1]


def test_it_ends_with_the_plan(shop: Archiving) -> None:
    shop.backup()
    shop.place = dataclasses.replace(shop.place, backups=SETTINGS)
    shop.deploy(2)
    container = shop.world.runtime.containers["shop_staging_db"]
    container.behaviour = dataclasses.replace(container.behaviour, answers=shop.server)
    archive_due(shop.controller())
    assert shop.server.ended
    assert shop.state is None


def test_no_longer_needed_segments_go_with_the_backup(shop: Archiving) -> None:
    shop.backup()
    shop.server.write(2)
    shop.archive()
    shop.world.now += 86400
    shop.backup()
    shop.server.write()
    shop.archive()
    shop.world.now += 86400
    shop.backup()
    first = min(item.manifest.base.first for item in shop.known if item.good and item.manifest.base)
    assert first > 1
    assert min(shop.stored, default=first) >= first


def test_other_servers_are_refused(shop: Archiving) -> None:
    ctx = shop.controller()
    server = type(ctx.servers["postgres"])()
    server.continuous = False  # type: ignore[misc]
    ctx = dataclasses.replace(ctx, servers={"postgres": server})
    with pytest.raises(UsageError, match="any time can be restored only of"):
        archive(ctx, "shop", "staging")
    with pytest.raises(UsageError, match="any time can be restored only of"):
        open_moment(ctx, "shop", "staging", shop.world.now, None)
