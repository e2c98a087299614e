"""The conformance suite of records of backups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.domain.backups import STORED, Backup, Manifest, Part
from shipway.domain.errors import StoreError
from shipway.ports import Ledger
from shipway.testing.ledger.samples import RELEASE

MANIFEST = Manifest(
    "shop", "staging", "20260101T000000Z-abc123", 1.5, 1, "0001", "postgres", "postgres:15", {"public.pets": 3},
    (Part("database", 10, "d1", 20, "d2"),), {"media": 2}, "shape", ("media",),
)  # fmt: skip
BACKUP = Backup(0, MANIFEST, "/srv/backups", "ada@example.org", "asked for", 2.5, 60.0)


class BackupSuite:
    """Backups come back whole, newest first, and with their newest verification."""

    def test_backups_come_back(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        one = replace(BACKUP, id=ledger.begin_backup(BACKUP))
        two = replace(BACKUP, due=None, manifest=replace(MANIFEST, schema=None, rows={}, parts=()))
        two = replace(two, id=ledger.begin_backup(two))
        other = replace(BACKUP, manifest=replace(MANIFEST, app="", environment=""))
        other = replace(other, id=ledger.begin_backup(other))
        assert again().backups("shop", "staging") == [two, one]
        assert again().backups("", "") == [other]
        done = replace(
            one, outcome=STORED, finished=4.5, digest="d3", verified=4.25, how="read back", detail="", problem="damaged",
            manifest=replace(MANIFEST, schema="0002"),
        )  # fmt: skip
        ledger.record_backup(done)
        assert again().backups("shop", "staging") == [two, done]

    def test_a_copy_is_a_ledger_of_its_own(self, ledger: Ledger, tmp_path: Path) -> None:
        ledger.add_release(RELEASE)
        ledger.begin_backup(BACKUP)
        path, identity = tmp_path / "copy.db", ledger.identity()
        try:
            ledger.copy_to(str(path))
        except StoreError as error:
            assert "is on a server" in error.message  # noqa: PT017
            assert not path.exists()
            return
        from shipway.store import open_ledger

        ledger.begin_backup(BACKUP)
        copy = open_ledger(path)
        try:
            assert copy.release("shop", 1) is not None
            assert len(copy.backups("shop", "staging")) == 1
            assert copy.identity() == identity
        finally:
            copy.close()
        with pytest.raises(StoreError):
            ledger.copy_to(str(tmp_path / "missing" / "copy.db"))
