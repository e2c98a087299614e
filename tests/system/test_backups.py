"""Backups of an environment with PostgreSQL and a volume, in a bucket: taken, verified, tampered with, restored, taken by
`tick`, required by a gate, killed at points, and a whole host that is lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import BackupFailed, GateRefused, UsageError
from tests import prepared
from tests.conformance.test_backups import KEY, Server
from tests.system.conftest import Make
from tests.system.tiny import Tiny, effects, engine, just_past

pytestmark = pytest.mark.engine

CANARY = "canary-4711-of-nobodys-business"  # in a row, a file and a secret
UP, DOWN = "web/migrations/{}.up.sql", "web/migrations/{}.down.sql"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    (folder := tmp_path_factory.mktemp("store") / "s3").mkdir()
    made = Server(folder)
    yield made
    made.end()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def shop(make: Make, server: Server, keys: Path) -> Tiny:
    """Release 1 serves, with one row and one file."""
    project = make(database=True, port=8737)
    recipient = project.shipway("backup", "--new-key", str(keys / "identity")).output.splitlines()[0]
    project.plan["services"]["web"]["volumes"] = {"uploads": "/uploads"}
    project.plan["services"]["web"]["secrets"] = ["CANARY"]
    project.plan["environments"]["staging"]["backups"] = {
        "to": "s3://bucket/shop", "endpoint": f"http://127.0.0.1:{server.port}", "recipients": [recipient],
        "access_key": "BACKUP_ID", "secret_key": "BACKUP_SECRET", "keep": {"daily": 1, "weekly": 0, "monthly": 0},
    }  # fmt: skip
    project.protect()
    project.change("one")
    for name, value in {"BACKUP_ID": KEY.access_key, "BACKUP_SECRET": KEY.secret_key, "CANARY": CANARY}.items():
        secret(project, name, value)
    project.shipway("run", "staging")
    fill(project)
    return project


def secret(project: Tiny, name: str, value: str) -> None:
    done = prepared.run(["secret", "set", "staging", name], project.where, project.env, merged=True, text=value)
    assert done.returncode == 0, done.stdout


def fill(project: Tiny) -> None:
    project.psql(f"DELETE FROM pets; INSERT INTO pets VALUES ('{CANARY}')")
    inside(project, f"rm -rf /uploads/*; mkdir -p /uploads/deep; echo {CANARY} > /uploads/deep/file")


def inside(project: Tiny, script: str) -> str:
    return project.shipway("exec", "staging", "web", "--", "sh", "-c", script).output.strip()


def lose(project: Tiny) -> None:
    project.psql("TRUNCATE pets; INSERT INTO pets VALUES ('later')")
    inside(project, "rm -rf /uploads/deep; echo later > /uploads/later")


def whole(project: Tiny) -> None:
    assert project.psql("SELECT name FROM pets") == CANARY
    assert inside(project, "cd /uploads && find . -type f | sort; cat deep/file").split() == ["./deep/file", CANARY]


def backups(project: Tiny) -> list[dict[str, Any]]:
    return project.json("backups", "staging")  # type: ignore[no-any-return]


def latest(project: Tiny) -> str:
    return str(backups(project)[0]["manifest"]["name"])


def objects(server: Server) -> list[str]:
    root = server.folder / "bucket/shop"
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def clean(project: Tiny) -> None:
    """No container and no volume of a backup is left."""
    assert not [name for name in project.containers() if "job" in name]
    assert not [name for name in project.volumes() if name.endswith(".backup")]


def test_a_backup_brings_data_and_files_back(shop: Tiny, server: Server, keys: Path) -> None:
    done = shop.shipway("backup", "staging", "--reason", "first")
    assert "verified: restored before it was encrypted; read back" in done.output
    clean(shop)
    (first,) = backups(shop)
    assert first["outcome"] == "stored"
    assert first["manifest"]["rows"]["public.pets"] == 1
    assert first["manifest"]["schema"] is not None
    assert [name.rpartition("/")[2] for name in objects(server)] == [
        "database.age", "manifest.age", "volume-uploads.age",
    ]  # fmt: skip

    lose(shop)
    refused = shop.shipway("restore", "staging", "--backup", "latest", "--yes", check=False)
    assert refused.code == UsageError.exit_code
    assert "--identity FILE" in refused.output
    shown = shop.shipway("restore", "staging", "--backup", "latest", "--identity", str(keys / "identity"), check=False)
    assert shown.code == UsageError.exit_code
    assert "nothing was changed" in shown.output
    shop.shipway("restore", "staging", "--backup", "latest", "--identity", str(keys / "identity"), "--yes")
    whole(shop)
    clean(shop)


def test_no_row_file_or_secret_is_readable_in_the_store(shop: Tiny, server: Server, keys: Path) -> None:
    words = [CANARY.encode(), b"pets", KEY.secret_key.encode(), b"CREATE TABLE", b"deep/file"]
    for path in (item for item in server.folder.rglob("*") if item.is_file()):
        found = path.read_bytes()
        assert found.startswith(b"age-encryption.org/v1"), path
        assert not [word for word in words if word in found], path
    private = (keys / "identity").read_text().splitlines()[1].encode()
    for path in (item for item in shop.home.rglob("*") if item.is_file()):
        found = path.read_bytes()
        assert not [word for word in (KEY.secret_key.encode(), private) if word in found], path


def test_verify_restores_a_copy_and_finds_a_tampered_one(shop: Tiny, server: Server, keys: Path) -> None:
    identity = ("--identity", str(keys / "identity"))
    done = shop.shipway("backups", "staging", "--verify", "latest", *identity)
    assert "restored from the store; schema and rows of" in done.output
    clean(shop)
    store = server.store(bucket="bucket/shop")
    path = next(name for name in store.list("") if name.endswith("database.age"))
    good = b"".join(store.get(path))
    for bad in (good[:-40] + b"x" + good[-39:], good[:-40]):
        store.put(path, iter((bad,)))
        for option in (identity, ()):
            found = shop.shipway("backups", "staging", "--verify", "latest", *option, check=False)
            assert found.code == BackupFailed.exit_code, found.output
            assert "damaged" in found.output
        assert backups(shop)[0]["problem"]
        assert "the newest backup failed or is damaged" in shop.shipway("status").output
        lose(shop)
        refused = shop.shipway("restore", "staging", "--backup", "latest", *identity, "--yes", check=False)
        assert refused.code == BackupFailed.exit_code, refused.output
        assert shop.psql("SELECT name FROM pets") == "later", "nothing was changed"
    store.put(path, iter((good,)))
    shop.shipway("backups", "staging", "--verify", "latest")
    assert not backups(shop)[0]["problem"]
    path = path.replace("database", "manifest")
    good = b"".join(store.get(path))
    store.put(path, iter((good[:-1] + b"x",)))
    assert "damaged" in shop.shipway("backups", "staging", "--verify", "latest", *identity, check=False).output
    store.put(path, iter((good,)))
    shop.shipway("backups", "staging", "--verify", "latest")
    fill(shop)


def test_another_key_is_told_apart_from_damage(shop: Tiny, keys: Path) -> None:
    shop.shipway("backup", "--new-key", str(keys / "other"))
    found = shop.shipway("backups", "staging", "--verify", "latest", "--identity", str(keys / "other"), check=False)
    assert found.code == BackupFailed.exit_code
    assert "can't be decrypted with this key" in found.output
    assert not backups(shop)[0]["problem"]


def test_a_vanished_store_fails_the_backup_and_nothing_else(shop: Tiny, server: Server) -> None:
    bucket = server.folder / "bucket"
    before = objects(server)
    server.end()
    failed = shop.shipway("backup", "staging", check=False)
    assert failed.code == BackupFailed.exit_code, failed.output
    assert "can't be reached" in failed.output
    bucket.rename(server.folder / "hidden")
    bucket.mkdir()
    server.start()
    failed = shop.shipway("backup", "staging", check=False)
    assert "has none of the 1 recorded backups" in failed.output
    assert [item["outcome"] for item in backups(shop)] == ["failed", "failed", "stored"]
    shutil.rmtree(bucket)
    (server.folder / "hidden").rename(bucket)
    server.end()
    server.start()
    assert objects(server) == before
    clean(shop)
    assert shop.answer() == "one"


def test_older_ones_are_removed_and_the_last_good_one_never(shop: Tiny, server: Server) -> None:
    first = latest(shop) if backups(shop)[0]["outcome"] == "stored" else backups(shop)[-1]["manifest"]["name"]
    shop.shipway("backup", "staging")
    assert [item["outcome"] for item in backups(shop)] == ["stored", "failed", "failed", "removed"]
    assert not [name for name in objects(server) if first in name]
    assert shop.shipway("backups", "staging", "--stored").output.split() == [latest(shop)]


def test_tick_takes_what_is_due_and_a_gate_requires_it(shop: Tiny) -> None:
    settings = shop.plan["environments"]["staging"]["backups"]
    settings |= {"at": just_past(2), "require": {"max_age": "1h", "before": "migrations"}}
    shop.protect()
    shop.change("two")
    shop.shipway("run", "staging")
    ledger = sqlite3.connect(shop.home / "ledger.db")
    ledger.execute("UPDATE backups SET started = started - 7200")
    ledger.commit()
    ledger.close()
    shop.age()
    assert "a newer one is due" in shop.shipway("status").output
    refused = run_with_migration(shop)
    assert refused.code == GateRefused.exit_code, refused.output
    assert "a verified backup of at most 1 h is required, and the last one is 2" in refused.output
    assert shop.answer() == "two"

    count = len(backups(shop))
    done = shop.shipway("tick", "--app", shop.app)
    assert "due at" in done.output
    assert ": verified" in done.output
    assert len(backups(shop)) == count + 1
    assert backups(shop)[0]["due"] is not None
    assert shop.shipway("tick", "--app", shop.app).output == "", "it is taken once"
    assert "a newer one is due" not in shop.shipway("status").output
    shop.shipway("run", "staging")
    assert shop.answer() == "three"


def run_with_migration(shop: Tiny) -> Any:
    files = {
        UP.format("0002_age"): "ALTER TABLE pets ADD COLUMN age int;\n",
        DOWN.format("0002_age"): "ALTER TABLE pets DROP COLUMN age;\n",
    }
    shop.change("three", files=files)
    return shop.shipway("run", "staging", check=False)


def test_killed_anywhere_the_next_one_cleans_up(shop: Tiny, server: Server) -> None:
    shop.env["SHIPWAY_TEST_DIE"] = "0"
    every = effects(shop.shipway("backup", "staging").output)
    del shop.env["SHIPWAY_TEST_DIE"]
    points = (
        range(1, every + 1)
        if os.environ.get("FULL")
        else sorted({1, every // 3, every // 2, *range(max(1, every - 12), every + 1, 3), every})
    )
    for point in points:
        for moment in ("before", "after") if os.environ.get("FULL") else ("after",):
            good = {item["manifest"]["name"] for item in backups(shop) if item["outcome"] == "stored"}
            shop.env["SHIPWAY_TEST_DIE"] = f"{point},{moment}"
            died = shop.shipway("backup", "staging", check=False)
            del shop.env["SHIPWAY_TEST_DIE"]
            if died.code != -signal.SIGKILL:
                continue  # it took fewer this time
            for item in backups(shop):
                if item["outcome"] == "stored" and item["manifest"]["name"] not in good:
                    assert item["verified"], "only what was verified is shown as good"
            shop.shipway("backup", "staging", "--wait", "60")
            assert "pending" not in [item["outcome"] for item in backups(shop)]
            stored = {item["manifest"]["name"] for item in backups(shop) if item["outcome"] == "stored"}
            assert {name.split("/")[2] for name in objects(server)} == stored, f"{point} {moment}"
            assert not [name for name in shop.volumes() if name.endswith(".backup")]
    whole_rows(shop)


def whole_rows(shop: Tiny) -> None:
    assert shop.psql("SELECT name FROM pets") == CANARY


def documented(store: Path, keys: Path) -> list[list[str]]:
    """The commands of docs/backups.md under "A host is lost", with this test's names."""
    text = (Path(__file__).parents[2] / "docs/backups.md").read_text(encoding="utf-8")
    section = text.partition("## A host is lost")[2].partition("\n## ")[0]
    names = {
        "/mnt/backups/shipway": str(store),
        "ledger.key": str(keys / "ledger"),
        "backup.key": str(keys / "identity"),
        "production": "staging",
        "v1.4.0": "staging",
    }
    lines = [line.removeprefix("$ shipway ").split() for line in section.splitlines() if line.startswith("$ shipway ")]
    return [[names.get(word, word) for word in line] for line in lines]


def test_a_host_is_lost(shop: Tiny, server: Server, keys: Path, tmp_path: Path) -> None:
    """What docs/backups.md says under this heading, command by command."""
    fill(shop)
    recipient = shop.shipway("backup", "--new-key", str(keys / "ledger")).output.splitlines()[0]
    store = tmp_path / "ledger-backups"
    store.mkdir()
    shop.shipway("backup", "staging")
    done = shop.shipway("backup", "--ledger", "--to", str(store), "--recipient", recipient)
    assert "verified: checked before it was encrypted; read back" in done.output
    for path in (item for item in store.rglob("*") if item.is_file()):
        assert path.read_bytes().startswith(b"age-encryption.org/v1")

    shop.shipway("destroy", "staging", "--force", "--volumes")
    for image in engine("/images/json"):
        for name in image["RepoTags"] or ():
            if f"/{shop.app}/" in name:
                shop.command("docker", "rmi", "--force", name, check=False)
    shop.home.rename(tmp_path / "lost")

    refused = shop.shipway(
        "restore", "--ledger", "--from", str(store), "--identity", str(keys / "identity"), check=False
    )
    assert refused.code == BackupFailed.exit_code, refused.output
    assert not (shop.home / "ledger.db").exists()
    ledger, deploy, data = documented(store, keys)
    restored = shop.shipway(*ledger)
    assert f"{shop.app}/staging: release" in restored.output
    assert (shop.home / "key").stat().st_mode & 0o777 == 0o600
    shop.shipway(*deploy)
    assert shop.answer() == "three"
    assert shop.psql("SELECT count(*) FROM pets") == "0"
    shop.shipway(*data)
    whole(shop)
    shop.shipway("backup", "staging")
    again = shop.shipway("restore", "--ledger", "--from", str(store), "--identity", str(keys / "ledger"), check=False)
    assert "already" in again.output
