"""Failures of what surrounds a backup: they are no damage of it, and take none away."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.backups.due import take_due
from shipway.actions.backups.restore import fetch, open_backup
from shipway.actions.backups.take import backup
from shipway.actions.backups.verify import verify
from shipway.domain.backups import FAILED, PENDING, REMOVED, STORED, Backup
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import (
    BackupFailed,
    Damaged,
    DiskFull,
    EngineError,
    NotStored,
    SnapshotFailed,
    StoreError,
    StoreFull,
    StoreGone,
    UsageError,
)
from shipway.system.sealing import new_key
from shipway.testing.backups import MemoryBackupStore
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from tests.unit.actions.backups.test_take import DUMP, SETTINGS, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.world.close()


class Flaky(MemoryBackupStore):
    """One that answers with an error for a moment."""

    error: Exception | None = None

    def get(self, name: str) -> Iterator[bytes]:
        if self.error is not None:
            raise self.error
        return super().get(name)


@pytest.mark.parametrize("error", [BackupFailed("the store answered 503"), EngineError("no memory")])
def test_a_failed_attempt_to_verify_is_no_damage(shop: Shop, error: Exception) -> None:
    shop.store = Flaky()
    made = shop.backup()
    shop.store.error = error
    with pytest.raises(type(error)):
        verify(shop.controller(), "shop", "staging", made.name, None)
    assert shop.known == [made]


def test_a_scratch_server_that_fails_is_no_damage(shop: Shop) -> None:
    made = shop.backup()
    shop.world.runtime.behave("*_job_backup*", Behaviour(("out of memory",), exit_code=1))
    with pytest.raises(SnapshotFailed):
        verify(shop.controller(), "shop", "staging", made.name, None)
    assert shop.known == [made]


def test_a_changed_or_missing_object_is_damage(shop: Shop) -> None:
    made = shop.backup()
    name = f"shop/staging/{made.name}/database.age"
    whole = shop.store.objects.pop(name)
    with pytest.raises(NotStored):
        verify(shop.controller(), "shop", "staging", made.name, None)
    assert shop.known[0].state == "damaged"
    shop.store.objects[name] = whole
    assert verify(shop.controller(), "shop", "staging", made.name, None).good
    shop.store.objects[name] = whole[:-1]
    with pytest.raises(Damaged):
        verify(shop.controller(), "shop", "staging", made.name, None)
    assert shop.known[0].state == "damaged"
    objects, shop.store.objects = shop.store.objects, {}
    shop.world.ledger.record_backup(made)
    with pytest.raises(StoreGone):  # a disk that isn't mounted
        verify(shop.controller(), "shop", "staging", made.name, None)
    shop.store.objects = objects
    assert shop.known == [made]


def test_one_of_another_kind_of_database_is_no_damage(shop: Shop) -> None:
    made = shop.backup()
    other = dataclasses.replace(made, manifest=dataclasses.replace(made.manifest, kind="mysql"))
    shop.world.ledger.record_backup(other)
    with pytest.raises(UsageError, match="is of a mysql database, and staging has postgres"):
        verify(shop.controller(), "shop", "staging", made.name, None)
    assert shop.known == [other]


@pytest.mark.parametrize("error", [EngineError("the engine is away"), KeyboardInterrupt()])
def test_a_failed_clean_up_leaves_a_verified_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    remove = shop.world.runtime.remove_volume

    def failing(name: str) -> None:
        if name.endswith(".backup") and STORED in shop.outcomes:
            raise error
        remove(name)

    monkeypatch.setattr(shop.world.runtime, "remove_volume", failing)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            shop.backup()
    else:
        assert shop.backup().good
        assert "files of a backup may remain" in shop.world.notes[-1]
    (made,) = shop.known
    assert made.good
    assert shop.folders == {made.name}


def test_one_whose_process_died_is_repeated(tmp_path: Path) -> None:
    shop = Shop(tmp_path, dataclasses.replace(SETTINGS, at="30 2 * * *"))
    shop.world.now += 86400
    with pytest.raises(Killed):
        take_due(shop.controller(Death(10, after=False)))
    assert shop.outcomes == [PENDING]
    assert take_due(shop.controller()) == [], "its lock may still be held"
    shop.world.now += 700
    assert len(take_due(shop.controller())) == 1
    assert shop.outcomes == [STORED, FAILED]
    shop.world.close()


def test_a_fetch_needs_space_and_leaves_no_part(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shop.backup()
    ctx = shop.controller()
    target, manifest, key = open_backup(ctx, "shop", "staging", "latest", None)
    free, shop.world.runtime.free = shop.world.runtime.free, len(DUMP)
    with pytest.raises(DiskFull, match="too full for backup"):
        fetch(ctx, "shop", "staging", target, manifest, key)
    shop.world.runtime.free = free
    name = f"shop/staging/{made.name}/database.age"
    shop.store.objects[name] = shop.store.objects[name][:-1]
    commands: list[tuple[str, ...]] = []
    create = shop.world.runtime.create

    def kept(spec: ContainerSpec) -> str:
        commands.append(spec.command or ())
        return create(spec)

    monkeypatch.setattr(shop.world.runtime, "create", kept)
    with pytest.raises(Damaged):
        fetch(ctx, "shop", "staging", target, manifest, key)
    assert commands[-1][0].startswith("rm -f")
    assert commands[-1][2].startswith("/snapshots/")
    assert shop.world.ledger.snapshots("shop", "staging") == []


class Moody:
    """A ledger that can't record backups of some outcomes for a moment."""

    def __init__(self, ledger: Any, *outcomes: str) -> None:
        self.ledger, self.outcomes = ledger, list(outcomes)

    def record_backup(self, item: Backup) -> None:
        if item.outcome in self.outcomes and item.digest:
            self.outcomes.remove(item.outcome)
            raise StoreError("the ledger is away")
        self.ledger.record_backup(item)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


def moody_backup(shop: Shop, *outcomes: str) -> Backup:
    ctx = shop.controller()
    return backup(dataclasses.replace(ctx, ledger=Moody(ctx.ledger, *outcomes)), "shop", "staging", "")  # type: ignore[arg-type]


def completed(shop: Shop, expected: int = 1) -> None:
    """The next backup, which fails here, verifies what the one before has stored."""
    before = dict(shop.store.objects)
    assert shop.outcomes.count(PENDING) == expected
    shop.store.room = 0
    with pytest.raises(StoreFull):
        shop.backup()
    assert shop.store.objects == before
    assert shop.outcomes == [FAILED, *[STORED] * expected]
    assert all(item.good for item in shop.known[1:])


def test_a_ledger_that_is_away_takes_no_stored_backup(shop: Shop) -> None:
    with pytest.raises(StoreError, match="the ledger is away"):
        moody_backup(shop, STORED)
    assert "is stored, but not verified" in shop.world.notes[-1]
    completed(shop)


def test_a_ledger_that_stays_away_hides_no_other_error(shop: Shop) -> None:
    put = shop.store.put

    def damaging(name: str, chunks: Iterator[bytes]) -> None:
        put(name, iter((b"".join(chunks)[:-1],)))

    shop.store.put = damaging  # type: ignore[method-assign]
    with pytest.raises(Damaged, match="is not what was written"):
        moody_backup(shop, FAILED)
    assert "the ledger can't record how" in shop.world.notes[-1]
    shop.store.put = put  # type: ignore[method-assign]
    made = shop.backup()
    assert shop.outcomes == [STORED, FAILED]
    assert shop.folders == {made.name}


def test_a_ledger_that_is_away_while_old_ones_are_removed_fails_no_backup(shop: Shop) -> None:
    shop.backup()
    assert moody_backup(shop, REMOVED).good
    assert shop.outcomes == [STORED, STORED]
    assert "could not be removed" in shop.world.notes[-1]
    shop.backup()
    assert shop.outcomes == [STORED, REMOVED, REMOVED]


class Vanishing(MemoryBackupStore):
    """One that is lost between storing and verifying."""

    lose: Callable[[], None] | None = None

    def get(self, name: str) -> Iterator[bytes]:
        if self.lose is not None:
            lose, self.lose = self.lose, None
            lose()
        return super().get(name)


@pytest.mark.parametrize("first", [True, False], ids=["the first one", "a later one"])
@pytest.mark.parametrize("way", ["gone", "empty", "503"])
def test_a_store_that_vanishes_before_the_verification(shop: Shop, way: str, *, first: bool) -> None:
    store = shop.store = Vanishing()
    if not first:
        shop.backup()
    hidden: Mapping[str, bytes] = {}

    def lose() -> None:
        nonlocal hidden
        if way == "503":
            raise BackupFailed("the store answered 503")
        if way == "gone":
            store.gone = True
        else:
            hidden, store.objects = store.objects, {}

    store.lose = lose
    with pytest.raises(BackupFailed):
        shop.backup()
    if way != "503" and not first:
        with pytest.raises(StoreGone):  # while it is away, nothing is concluded
            shop.backup()
    store.gone = False
    store.objects.update(hidden)
    if first:
        completed(shop)
    else:
        pending = next(item for item in shop.known if item.outcome == PENDING)
        shop.backup()
        assert next(item for item in shop.known if item.id == pending.id).verified is not None


def test_a_store_that_fails_for_a_moment_removes_nothing_that_is_pending(shop: Shop) -> None:
    shop.store = store = Flaky()
    with pytest.raises(StoreError):
        moody_backup(shop, STORED)
    store.error = BackupFailed("the store answered 503")
    with pytest.raises(BackupFailed, match="503"):
        shop.backup()
    assert shop.outcomes == [PENDING, PENDING]
    store.error = None
    completed(shop, 2)


def test_a_pending_one_is_verified_with_another_key_too(shop: Shop) -> None:
    with pytest.raises(StoreError):
        moody_backup(shop, STORED)
    shop.world.secrets(shop.world.ledger).set("shop/staging", "BACKUP_KEY", new_key()[0])
    completed(shop)


def test_a_damaged_pending_one_is_removed(shop: Shop) -> None:
    with pytest.raises(StoreError):
        moody_backup(shop, STORED)
    name = next(name for name in shop.store.objects if name.endswith("database.age"))
    shop.store.objects[name] = shop.store.objects[name][:-1]
    made = shop.backup()
    assert shop.outcomes == [STORED, FAILED]
    assert shop.folders == {made.name}


def test_a_pending_one_of_another_store_is_left_to_it(shop: Shop) -> None:
    with pytest.raises(StoreError):
        moody_backup(shop, STORED)
    moved = dataclasses.replace(shop.known[0], store="/mnt/before")
    shop.world.ledger.record_backup(moved)
    shop.store.objects = {}
    shop.backup()
    assert shop.outcomes == [STORED, PENDING]


def test_a_clock_that_is_set_back_removes_no_newer_one(shop: Shop) -> None:
    """Neither the one just made, nor is the one of the wrong time taken for the latest."""
    shop.world.now += 7200
    ahead = shop.backup()
    shop.world.now -= 3600
    made = shop.backup()
    assert made.name < ahead.name
    assert shop.good() == {made.name}
    assert shop.folders == {made.name}


def test_the_latest_after_a_clock_was_set_back(tmp_path: Path) -> None:
    shop = Shop(tmp_path, dataclasses.replace(SETTINGS, keep=dataclasses.replace(SETTINGS.keep, daily=7)))
    shop.world.now += 30 * 86400
    ahead = shop.backup()
    shop.world.now -= 30 * 86400
    made = shop.backup()
    assert shop.folders == {ahead.name, made.name}
    assert open_backup(shop.controller(), "shop", "staging", "latest", None)[1].name == made.name
    shop.store.objects = {name: data for name, data in shop.store.objects.items() if made.name not in name}
    assert open_backup(shop.controller(), "shop", "staging", "latest", None)[1].name == ahead.name
    shop.world.close()


def test_a_disk_that_fills_while_it_is_dumped(shop: Shop) -> None:
    made = shop.backup()
    full = ("tee: backup.dump.part: No space left on device",)
    shop.world.runtime.behave("*_job_backup*", Behaviour(full, exit_code=1))
    with pytest.raises(SnapshotFailed, match="No space left on device"):
        shop.backup()
    assert shop.outcomes == [FAILED, STORED]
    assert shop.folders == {made.name}
    assert not [name for name in shop.world.runtime.volumes if name.endswith(".backup")]


def test_a_disk_of_the_ledger_that_fills(shop: Shop) -> None:
    """Before the manifest is stored: nothing is visible, and the next one removes the parts."""
    with pytest.raises(StoreError):
        moody_backup(shop, PENDING)
    assert shop.outcomes == [FAILED]
    assert shop.store.objects == {}
