"""The ledger's own backups, and a home that comes back from one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.backups.ledger import backup_ledger, due_ledger, restore_ledger, set_settings, settings
from shipway.actions.environment.locks import fenced
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import FAILED, PENDING, STORED, Backups, Keep
from shipway.domain.errors import BackupFailed, StoreFull, UsageError
from shipway.store import open_ledger
from shipway.system.sealing import new_key
from shipway.testing.backups import MemoryBackupStore
from shipway.testing.faults import Death, Killed, mortal
from tests.unit.world import World

PRIVATE, PUBLIC = new_key()
OTHER, _ = new_key()
GIVEN = Backups("/srv/ledger", (PUBLIC,), at="0 * * * *", keep=Keep(1, 0, 0))
KEY = "swk1_the-key-of-all-secrets"


class Home:
    """A home folder with a ledger, and a store."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.world, self.store = World(folder), MemoryBackupStore()
        set_settings(self.context(), GIVEN)

    def context(self, dies: Death | None = None) -> Context:
        made = dataclasses.replace(self.world.controller(), backup_store=lambda given, credentials: self.store)
        return mortal(made, dies) if dies else made


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.world.close()


def test_a_home_comes_back(home: Home, tmp_path: Path) -> None:
    home.world.release(1, "0001")
    identity = home.world.ledger.identity()
    made = backup_ledger(home.context(), KEY, "")
    assert (made.outcome, made.good) == (STORED, True)
    assert {name.split("/")[0] for name in home.store.objects} == {"_ledger"}
    assert not any(KEY.encode() in data or b"SQLite" in data for data in home.store.objects.values())
    new = tmp_path / "new"
    manifest = restore_ledger(home.store, GIVEN, "latest", PRIVATE, new)
    assert manifest == made.manifest
    assert (new / "key").read_text() == KEY
    assert {path.name: path.stat().st_mode & 0o777 for path in new.iterdir()} == {"key": 0o600, "ledger.db": 0o600}
    ledger = open_ledger(new / "ledger.db")
    assert ledger.release("shop", 1) is not None
    assert ledger.backups("", "") == [], "no backup is pending in it that never was"
    assert ledger.identity() == identity
    ledger.close()


def test_nothing_is_replaced_and_nothing_half_restored(home: Home, tmp_path: Path) -> None:
    backup_ledger(home.context(), KEY, "")
    new = tmp_path / "new"
    with pytest.raises(BackupFailed, match="with this key"):
        restore_ledger(home.store, GIVEN, "latest", OTHER, new)
    name = next(name for name in home.store.objects if "ledger.age" in name)
    good = home.store.objects[name]
    home.store.objects[name] = good[:-10]
    with pytest.raises(BackupFailed, match="damaged"):
        restore_ledger(home.store, GIVEN, "latest", PRIVATE, new)
    assert not list(new.iterdir())
    home.store.objects[name] = good
    restore_ledger(home.store, GIVEN, "latest", PRIVATE, new)
    before = (new / "ledger.db").read_bytes()
    with pytest.raises(UsageError, match=r"has a ledger\.db already"):
        restore_ledger(home.store, GIVEN, "latest", PRIVATE, new)
    assert (new / "ledger.db").read_bytes() == before


def test_a_restored_ledger_removes_no_backup_that_it_does_not_know(home: Home, tmp_path: Path) -> None:
    first = backup_ledger(home.context(), KEY, "")
    restore_ledger(home.store, GIVEN, "latest", PRIVATE, tmp_path / "new")
    ledger = open_ledger(tmp_path / "new" / "ledger.db", home.world.clock)
    ctx = dataclasses.replace(home.context(), ledger=ledger, home=tmp_path / "new")
    home.world.now += 60  # the lock of the process that made the copy
    second = backup_ledger(ctx, KEY, "")
    assert {name.split("/")[1] for name in home.store.objects} == {first.name, second.name}
    ledger.close()


@pytest.mark.every_point
def test_killed_at_every_point(tmp_path: Path) -> None:
    whole = Home(tmp_path / "whole")
    death = Death(0, after=False)
    backup_ledger(whole.context(death), KEY, "")
    whole.world.close()
    for at in range(1, death.effects + 1):
        for after in (False, True):
            home = Home(tmp_path / f"{at}-{after}")
            with pytest.raises(Killed):
                backup_ledger(home.context(Death(at, after=after)), KEY, "")
            home.world.now += 3600
            backup_ledger(home.context(), KEY, "")
            known = home.world.ledger.backups("", "")
            stored = {item.name for item in known if item.outcome == STORED}
            assert {name.split("/")[1] for name in home.store.objects} == stored, (at, after)
            assert not list((tmp_path / f"{at}-{after}").glob(".backup-*"))
            home.world.close()


def test_a_copy_of_a_killed_process_is_removed(home: Home, tmp_path: Path) -> None:
    (left := tmp_path / "home" / ".backup-1").mkdir()
    (left / "ledger.db").write_text("half")
    backup_ledger(home.context(), KEY, "")
    assert not left.exists()


def test_when_it_is_due(home: Home) -> None:
    home.world.now += 3600
    assert due_ledger(home.context()) is not None
    backup_ledger(home.context(), KEY, "")
    assert due_ledger(home.context()) is None
    home.world.now += 3600
    assert due_ledger(home.context()) is not None
    home.store.room = 0
    with pytest.raises(StoreFull):
        backup_ledger(home.context(), KEY, "", due=due_ledger(home.context()))
    assert home.world.ledger.backups("", "")[0].outcome == FAILED
    assert due_ledger(home.context()) is None, "it is repeated after a pause"


def test_it_must_be_set_where(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert settings(world.controller()) is None
    with pytest.raises(UsageError, match="no place for backups of the ledger"):
        backup_ledger(world.controller(), KEY, "")
    world.close()


def test_one_whose_process_died_is_due_again(home: Home) -> None:
    home.world.now += 7200
    at = due_ledger(home.context())
    with pytest.raises(Killed):
        backup_ledger(home.context(Death(8, after=False)), KEY, "", due=at)
    assert home.world.ledger.backups("", "")[0].outcome == PENDING
    assert due_ledger(home.context()) is None
    home.world.now += 700
    assert due_ledger(home.context()) == at
    with fenced(home.context(), names.backups_lock("", ""), "another"):
        assert due_ledger(home.context()) is None


def test_two_ledgers_with_one_store(home: Home, tmp_path: Path) -> None:
    first = backup_ledger(home.context(), KEY, "")
    assert first.name.split("-")[1] == home.world.ledger.identity()[:8]
    other = Home(tmp_path / "other")
    other.store = home.store
    set_settings(other.context(), dataclasses.replace(GIVEN, recipients=(new_key()[1],)))
    home.store.put("_ledger/19700101T001500Z-feedbeef-abcdef/ledger.age", iter((b"in progress",)))
    home.store.unfinished.add("_ledger/19700101T001500Z-feedbeef-abcdef/key.age")
    before = set(home.store.objects)
    other.world.now = home.world.now + 3600
    backup_ledger(other.context(), KEY, "")
    assert before <= set(home.store.objects)
    assert home.store.unfinished
    assert restore_ledger(home.store, GIVEN, "latest", PRIVATE, tmp_path / "new").name == first.name
    set_settings(other.context(), GIVEN)
    other.world.now += 3600
    second = backup_ledger(other.context(), KEY, "")
    with pytest.raises(UsageError, match=f"of 2 ledgers; the newest of each:\n  {second.name}\n  {first.name}"):
        restore_ledger(home.store, GIVEN, "latest", PRIVATE, tmp_path / "newer")
    restore_ledger(home.store, GIVEN, first.name, PRIVATE, tmp_path / "newer")
    other.world.now += 2 * 86400
    backup_ledger(other.context(), KEY, "")
    assert "_ledger/19700101T001500Z-feedbeef-abcdef/ledger.age" not in home.store.objects
    other.world.close()
