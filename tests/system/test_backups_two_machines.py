"""Two machines that share a ledger on PostgreSQL and a store back up the same environment at once. The engine is in memory."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from shipway.actions.backups.take import backup
from shipway.domain import names
from shipway.domain.backups import FAILED, PENDING, STORED, Backup
from shipway.domain.errors import LeaseHeld
from shipway.ports import Ledger
from shipway.store import open_ledger
from shipway.testing.backups import MemoryBackupStore
from tests.postgres import running_server
from tests.unit.actions.backups.test_take import Shop
from tests.unit.world import World

pytestmark = pytest.mark.engine


class Shared(World):
    """Each process connects to the ledger on the server, by its clock."""

    address = ""

    def _open(self) -> Ledger:
        self._ledgers.append(open_ledger(self.address))
        return self._ledgers[-1]


class Meeting(MemoryBackupStore):
    """Where something happens once, before an object of that kind is stored."""

    meets: tuple[str, Callable[[], object]] | None = None

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        if self.meets and name.endswith(self.meets[0]):
            (_, happens), self.meets = self.meets, None
            happens()
        super().put(name, chunks)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as address:
        yield address


@pytest.fixture
def shop(server: str, tmp_path: Path) -> Iterator[tuple[Shop, Meeting]]:
    name = f"ledger_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    kind = type("At", (Shared,), {"address": f"{server}/{name}"})
    made = Shop(tmp_path, world=kind(tmp_path, waits=True))
    made.store = store = Meeting()
    yield made, store
    made.world.close()


@pytest.mark.parametrize("moment", ["database.age", "manifest.age"])
def test_the_second_waits_or_is_refused(shop: tuple[Shop, Meeting], moment: str) -> None:
    here, store = shop
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(LeaseHeld) as caught:
            here.backup()
        refused.append(caught.value.message)

    store.meets = (moment, second)
    made = here.backup()
    assert "backup" in refused[0]
    assert here.known == [made]
    assert here.folders == {made.name}


def test_both_at_once(shop: tuple[Shop, Meeting]) -> None:
    here, _ = shop
    start, made, errors = threading.Barrier(2), list[Backup](), list[BaseException]()

    def one() -> None:
        ctx = here.controller()
        start.wait()
        try:
            made.append(backup(ctx, "shop", "staging", "", wait=60))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len({item.name for item in made}) == 2
    assert PENDING not in here.outcomes
    assert FAILED not in here.outcomes
    assert here.folders == {item.name for item in here.known if item.outcome == STORED}


@pytest.mark.parametrize("moment", ["database.age", "manifest.age"])
def test_one_that_lost_its_lock_takes_no_part_of_the_others(shop: tuple[Shop, Meeting], moment: str) -> None:
    """Its machine slept for so long that the other one took over, and goes on where it was."""
    here, store = shop
    others: list[Backup] = []
    slept = 0.0

    def overtaken() -> None:
        nonlocal slept
        lease = here.world.ledger.lease(names.backups_lock("shop", "staging"))
        assert lease is not None
        here.world.ledger.free(lease)
        others.append(here.backup())
        slept = 60.0

    store.meets = (moment, overtaken)
    ctx = here.controller()
    with pytest.raises(LeaseHeld):
        backup(dataclasses.replace(ctx, clock=lambda: ctx.clock() + slept), "shop", "staging", "")
    (other,) = others
    assert next(item for item in here.known if item.id == other.id) == other
    assert {f"shop/staging/{other.name}/{part}.age" for part in ("database", "manifest")} <= set(store.objects)
    last = here.backup()
    assert PENDING not in here.outcomes
    assert here.folders == {last.name}, "what the sleeper left is removed"
