"""Secrets in the ledger, encrypted: on SQLite and on PostgreSQL, with and without the key, and from the files of before."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import KeyMissing, SecretError, StoreError
from shipway.drivers.secrets.key import Key, Keys
from shipway.drivers.secrets.ledger import LedgerSecrets
from shipway.ports import Ledger, SecretLedger
from shipway.store import open_ledger
from shipway.testing.secrets import SecretsSuite
from tests.conformance.test_ledger import server

__all__ = ["server"]
VALUE = "correct horse battery staple"


class Fixtures:
    """`again(key="other")` is a process of another machine, whose key file is another one."""

    @pytest.fixture
    def again(self, address: str, tmp_path: Path) -> Iterator[Callable[..., LedgerSecrets]]:
        opened: list[Ledger] = []

        def open_once_more(key: str = "key", given: str = "") -> LedgerSecrets:
            opened.append(open_ledger(address))
            return LedgerSecrets(opened[-1], Keys(tmp_path / "home" / key, given))

        yield open_once_more
        for ledger in opened:
            ledger.close()

    @pytest.fixture
    def secrets(self, again: Callable[..., LedgerSecrets]) -> LedgerSecrets:
        return again()

    def test_another_machine_needs_the_key(self, secrets: LedgerSecrets, again: Callable[..., LedgerSecrets]) -> None:
        secrets.set("shop/staging", "KEY", VALUE)
        other = again("other")
        assert other.names("shop/staging") == {"KEY": 1}
        assert other.fingerprints("shop/staging", "KEY") == secrets.fingerprints("shop/staging", "KEY")
        with pytest.raises(KeyMissing, match="lacks the key") as caught:
            other.get("shop/staging", "KEY")
        assert all(words in caught.value.hint for words in ("shipway key export", "shipway key import", "SHIPWAY_KEY"))
        with pytest.raises(KeyMissing):
            other.set("shop/staging", "KEY", "invented")
        with pytest.raises(SecretError, match="belongs to another ledger"):
            other.take_key(Key.new())
        other.take_key(Key(secrets.key().text))
        assert other.get("shop/staging", "KEY") == VALUE
        assert again("other").get("shop/staging", "KEY") == VALUE
        assert again("third", given=secrets.key().text).get("shop/staging", "KEY") == VALUE

    def test_both_of_two_new_machines_end_with_one_key(self, again: Callable[..., LedgerSecrets]) -> None:
        first, second = again("one"), again("two")
        first.set("shop/staging", "KEY", VALUE)
        with pytest.raises(KeyMissing):
            second.set("shop/staging", "OTHER", VALUE)


class TestSqlite(Fixtures, SecretsSuite):
    @pytest.fixture
    def address(self, tmp_path: Path) -> str:
        return str(tmp_path / "ledger.db")

    def test_no_value_is_in_the_ledger(self, secrets: LedgerSecrets, address: str) -> None:
        secrets.set("shop/staging", "KEY", VALUE)
        dump = "\n".join(sqlite3.connect(address).iterdump())
        assert "KEY" in dump
        assert VALUE not in dump
        assert secrets.key().text not in dump

    @pytest.mark.parametrize("change", ["version = 2", "name = 'OTHER'", "scope = 'shop/production'"])
    def test_a_sealed_value_can_not_stand_in_for_another(
        self, secrets: LedgerSecrets, address: str, change: str
    ) -> None:
        secrets.set("shop/staging", "KEY", VALUE)
        connection = sqlite3.connect(address)
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'secrets'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE secrets SET {change}")
        connection.commit()
        place = {"scope": "shop/staging", "name": "KEY", "version": "1"}
        column, _, value = change.partition(" = ")
        place[column] = value.strip("'")
        with pytest.raises(SecretError, match="can't be decrypted"):
            secrets.get(place["scope"], place["name"], int(place["version"]))

    def test_the_key_is_for_its_owner_alone(
        self, secrets: LedgerSecrets, tmp_path: Path, again: Callable[..., LedgerSecrets]
    ) -> None:
        secrets.set("shop/staging", "KEY", VALUE)
        file = tmp_path / "home" / "key"
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o644)
        with pytest.raises(SecretError, match="can be read by other users") as caught:
            again().get("shop/staging", "KEY")
        assert f"chmod 600 {file}" in caught.value.hint

    def test_one_home_with_two_ledgers_keeps_both_keys(
        self, secrets: LedgerSecrets, tmp_path: Path, again: Callable[..., LedgerSecrets]
    ) -> None:
        secrets.set("shop/staging", "KEY", VALUE)
        theirs = open_ledger(tmp_path / "theirs.db")
        elsewhere = LedgerSecrets(theirs, Keys(tmp_path / "elsewhere"))
        elsewhere.set("blog/staging", "KEY", "theirs")
        here = LedgerSecrets(theirs, Keys(tmp_path / "home" / "key"))
        here.take_key(elsewhere.key())
        assert here.get("blog/staging", "KEY") == "theirs"
        assert again().get("shop/staging", "KEY") == VALUE
        theirs.close()


@pytest.mark.engine
class TestPostgres(Fixtures, SecretsSuite):
    @pytest.fixture
    def address(self, server: str) -> str:
        import psycopg

        name = f"secrets_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{server}/{name}"


# the files of versions before


OLD = {"KEY": ["one", "two"], "accessory:db": ["password"]}


class Breaking:
    """A ledger whose process dies at its n-th call."""

    def __init__(self, ledger: SecretLedger, at: int) -> None:
        self._ledger, self._left = ledger, at

    def __getattr__(self, name: str) -> Any:
        self._left -= 1
        if self._left < 0:
            raise StoreError("killed")
        return getattr(self._ledger, name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / "shop__staging.json").write_text(json.dumps(OLD))
    (tmp_path / "secrets" / ".lock").touch()
    return tmp_path


def opened(home: Path, ledger: Any, notes: list[str] | None = None) -> LedgerSecrets:
    return LedgerSecrets(ledger, Keys(home / "key"), home / "secrets", (notes if notes is not None else []).append)


def test_old_files_move_into_the_ledger_once(home: Path) -> None:
    ledger = open_ledger(home / "ledger.db")
    secrets = opened(home, ledger)
    assert secrets.names("shop/staging") == {"KEY": 2, "accessory:db": 1}
    assert [secrets.get("shop/staging", "KEY", version) for version in (1, 2, None)] == ["one", "two", "two"]
    assert list((home / "secrets").glob("*.json")) == []
    assert VALUE not in "".join(str(path) for path in home.rglob("*"))
    secrets.set("shop/staging", "KEY", "three")
    assert opened(home, ledger).names("shop/staging") == {"KEY": 3, "accessory:db": 1}
    ledger.close()


def test_a_move_that_dies_at_any_point_is_finished_by_the_next(tmp_path: Path) -> None:
    at = 0
    while True:
        folder = tmp_path / str(at)
        (folder / "secrets").mkdir(parents=True)
        file = folder / "secrets" / "shop__staging.json"
        file.write_text(json.dumps(OLD))
        ledger = open_ledger(folder / "ledger.db")
        died = True
        try:
            opened(folder, Breaking(ledger, at)).get("shop/staging", "KEY")
            died = False
        except StoreError:
            assert file.exists() or opened(folder, ledger).names("shop/staging") == {"KEY": 2, "accessory:db": 1}
        secrets = opened(folder, ledger)
        found = {
            name: [secrets.get("shop/staging", name, number + 1) for number in range(count)]
            for name, count in secrets.names("shop/staging").items()
        }
        assert found == OLD, at
        assert not file.exists()
        ledger.close()
        if not died:
            return
        at += 1


def test_another_machines_other_values_are_set_aside_and_told(home: Path, tmp_path: Path) -> None:
    ledger = open_ledger(home / "ledger.db")
    first = opened(home, ledger)
    assert first.get("shop/staging", "KEY") == "two"
    other = tmp_path / "other"
    (other / "secrets").mkdir(parents=True)
    (other / "secrets" / "shop__staging.json").write_text(json.dumps({"KEY": ["one", "mine"], "NEW": ["new"]}))
    assert opened(other, ledger).names("shop/staging") == {"KEY": 2, "accessory:db": 1}
    assert (other / "secrets" / "shop__staging.json").exists(), "it waits for the key"
    notes: list[str] = []
    second = opened(other, ledger, notes)
    second.take_key(first.key())
    assert second.get("shop/staging", "KEY") == "two"
    assert second.get("shop/staging", "NEW") == "new"
    assert (other / "secrets" / "shop__staging.conflict").exists()
    assert "KEY of shop/staging: the values on this machine differ" in notes[0]
    assert "NEW" not in notes[0].partition(":")[0]
    ledger.close()


def test_a_damaged_file_is_named_and_kept(home: Path) -> None:
    (home / "secrets" / "shop__staging.json").write_text("{")
    ledger = open_ledger(home / "ledger.db")
    with pytest.raises(SecretError, match="can't be read"):
        opened(home, ledger).set("shop/staging", "KEY", "value")
    assert (home / "secrets" / "shop__staging.json").read_text() == "{"
    ledger.close()


@pytest.mark.parametrize("text", ["", "swk1_", "swk1_" + "A" * 42, "xyz1_" + "A" * 43, "swk1_" + "é" * 43])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(SecretError, match="not a key"):
        Key(text)


def test_a_full_disk_keeps_a_key_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, first, second = Keys(tmp_path / "key"), Key.new(), Key.new()
    keys.add(first)
    write, left = os.write, [20]

    def full(handle: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = write(handle, data[: left[0]])
        left[0] -= count
        return count

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SecretError, match=r"can't be stored in .*: No space left on device"):
        keys.add(second)
    assert [item.id for item in keys.all()] == [first.id]
    monkeypatch.undo()
    with (tmp_path / "key").open("a") as file:
        file.write(second.text)  # without a line end, as an editor may leave it
    third = Key.new()
    keys.add(third)
    assert [item.id for item in keys.all()] == [first.id, second.id, third.id]


def test_a_key_file_behind_a_link_is_not_written(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", tmp_path / "key")
    with pytest.raises(SecretError, match="can't be stored"):
        Keys(tmp_path / "key").add(Key.new())
    assert not (tmp_path / "elsewhere").exists()
