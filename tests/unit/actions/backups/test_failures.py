"""Failures of what surrounds a backup: they are no damage of it, and take none away."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.backups.due import take_due
from shipway.actions.backups.restore import fetch, open_backup
from shipway.actions.backups.verify import verify
from shipway.domain.backups import FAILED, PENDING, STORED
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import (
    BackupFailed,
    Damaged,
    DiskFull,
    EngineError,
    NotStored,
    SnapshotFailed,
    StoreGone,
    UsageError,
)
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
