"""An app whose database server stores its log of changes."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.backups.archive import archive, archived
from shipway.domain.backups import Archived, Backup, Backups, Continuous
from shipway.domain.continuous import read
from shipway.testing.faults import Death
from shipway.testing.memory import Behaviour
from tests.unit.actions.backups.test_take import DUMP, ROWS, SETTINGS, TAKEN, Shop

CONTINUOUS = dataclasses.replace(SETTINGS, continuous=Continuous(300.0))
BASE = b"all files"
FOLDER = "/data/pg_wal"


class Server(dict[str, tuple[int, str]]):
    """What the accessory's container answers: a server that keeps its segments until it is told that they are stored."""

    def __init__(self, shop: Archiving) -> None:
        self.shop, self.piece, self.first, self.last, self.ended = shop, "7-1", 1, 0, False

    def get(self, command: str, default: object = None) -> tuple[int, str]:  # type: ignore[override]
        words = command.rpartition(" shipway ")[2].split(" ")
        if "pg_drop_replication_slot" in command and "pg_switch_wal" not in command:
            self.ended = True
            return 0, ""
        if "pg_switch_wal" not in command:
            return 0, ""
        if words[0] == self.piece and int(words[1]) >= self.first:
            self.first = int(words[1]) + 1
        lines = [f"shipway-archive {self.piece} {self.shop.world.now} {FOLDER}"]
        return 0, "\n".join(lines + [f"shipway-segment {number} {number:024}" for number in self.kept])

    @property
    def kept(self) -> range:
        return range(self.first, self.last + 1)

    def write(self, count: int = 1) -> None:
        """Complete segments."""
        container = self.shop.world.runtime.containers["shop_staging_db"]
        for _ in range(count):
            self.last += 1
            container.files[f"{FOLDER}/{self.last:024}"] = content(self.last)


def content(number: int) -> bytes:
    return f"segment {number} ".encode() * 100


class Archiving(Shop):
    """A shop whose log of changes is stored, and whose backups have a base that begins with the next segment."""

    copied = True  # whether the copy of the server's files succeeds

    def __init__(self, folder: Path, settings: Backups = CONTINUOUS) -> None:
        super().__init__(folder, settings)
        self.server = Server(self)
        container = self.world.runtime.containers["shop_staging_db"]
        container.behaviour = dataclasses.replace(container.behaviour, answers=self.server)

    def backup(self, dies: Death | None = None) -> Backup:
        self.prepare()
        return super().backup(dies)

    def prepare(self) -> None:
        """What the next backup finds."""
        line = (
            f"shipway-base {len(BASE)} {hashlib.sha256(BASE).hexdigest()} {self.server.piece} {self.server.last + 1} "
        )
        line += f"{self.world.now} 1000"
        files = {"/snapshots/backup.dump": DUMP, "/snapshots/base.tar.gz": BASE}
        lines = (ROWS, TAKEN, line) if self.copied else (ROWS, TAKEN)
        self.world.runtime.behave("*_job_backup*", Behaviour(lines, exit_code=0, files=files))
        self.world.runtime.behave("*_job_recovery*", Behaviour((ROWS, TAKEN), exit_code=0))
        self.server.write()

    def archive(self, dies: Death | None = None) -> Archived:
        return archive(self.controller(dies), "shop", "staging")

    @property
    def stored(self) -> list[int]:
        names = (name.removeprefix("shop/staging/") for name in self.store.objects)
        return [item.number for item in read(dict.fromkeys(names, 1)).segments]

    @property
    def state(self) -> Archived | None:
        return archived(self.controller(), "shop", "staging")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Archiving]:
    made = Archiving(tmp_path)
    yield made
    made.world.close()


class Failing(dict[str, tuple[int, str]]):
    def get(self, command: str, default: object = None) -> tuple[int, str]:  # type: ignore[override]
        return 1, "ERROR:  its wal_level is minimal"
