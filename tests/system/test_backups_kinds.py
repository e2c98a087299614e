"""Backups of the other kinds of databases, into a folder, each stored copy restored into a scratch server: MariaDB, an SQLite
file, and a managed PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import prepared
from tests.conformance.scratch_lab import MARIADB, build_mariadb
from tests.system import test_mysql, test_sqlite
from tests.system.conftest import Make
from tests.system.test_external import Managed, managed, set_address  # noqa: F401
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.engine, pytest.mark.machine]


def with_backups(project: Tiny, folder: Path) -> None:
    """Into a folder, with the private key as a secret."""
    (folder / "store").mkdir()
    recipient = project.shipway("backup", "--new-key", str(folder / "key")).output.splitlines()[0]
    project.plan["environments"]["staging"]["backups"] = {
        "to": str(folder / "store"), "recipients": [recipient], "key": "BACKUP_KEY", "verify": "restore",
    }  # fmt: skip
    text = (folder / "key").read_text().splitlines()[1]
    done = prepared.run(["secret", "set", "staging", "BACKUP_KEY"], project.where, project.env, merged=True, text=text)
    assert done.returncode == 0, done.stdout


def backed_up(project: Tiny) -> None:
    done = project.shipway("backup", "staging")
    assert "restored from the store; schema and rows of 2 tables are as recorded" in done.output
    (found,) = project.json("backups", "staging")
    assert sorted(found["manifest"]["rows"].values()) == [1, 1]
    assert len(found["manifest"]["shape"]) == 64
    assert not [name for name in project.volumes() if name.endswith(".backup")]


def test_mariadb(make: Make, tmp_path: Path) -> None:
    build_mariadb()
    shop = make(database=True, port=8737)
    shop.plan["accessories"] = {"db": {"image": MARIADB, "provides": "DATABASE_URL", "volume": "/var/lib/mysql"}}
    with_backups(shop, tmp_path)
    shop.protect()
    shop.change("one", files={test_mysql.UP.format("0001_pets"): "CREATE TABLE pets (name varchar(50))"})
    shop.shipway("run", "staging")
    test_mysql.sql(shop, "INSERT INTO pets VALUES ('Rex')")
    backed_up(shop)
    test_mysql.sql(shop, "DELETE FROM pets")
    shop.shipway("restore", "staging", "--backup", "latest", "--yes")
    assert test_mysql.sql(shop, "SELECT name FROM pets") == "Rex"


def test_a_file(make: Make, tmp_path: Path) -> None:
    shop = make(port=8737)
    shop.plan["services"]["web"] |= {"volumes": {"data": "/data"}, "health": {"path": "/pets", "timeout": "60s"}}
    shop.plan["database"] = {"file": "/data/app.db", "service": "web", "tool": "sql", "folder": "migrations"}
    with_backups(shop, tmp_path)
    shop.protect()
    shop.change("one", files=test_sqlite.PETS)
    shop.shipway("run", "staging")
    test_sqlite.add(shop, "Rex")
    backed_up(shop)
    test_sqlite.sql(shop, "DELETE FROM pets")
    shop.shipway("exec", "staging", "web", "--", "rm", "/data/Rex.txt")
    shop.shipway("restore", "staging", "--backup", "latest", "--yes")
    assert test_sqlite.names(shop) == "Rex"
    assert test_sqlite.files(shop) >= {"Rex.txt", "app.db"}
    test_sqlite.whole(shop)


def test_a_managed_server(make: Make, managed: Managed, tmp_path: Path) -> None:  # noqa: F811
    shop = make(database=True, port=8737)
    shop.plan["accessories"] = {"db": {"external": "DATABASE_URL", "kind": "postgres", "version": 15}}
    with_backups(shop, tmp_path)
    shop.protect()
    shop.change("one")
    set_address(shop, managed.address)
    shop.shipway("run", "staging")
    managed.psql("INSERT INTO pets VALUES ('Rex')")
    backed_up(shop)
    managed.psql("DELETE FROM pets")
    shop.shipway("restore", "staging", "--backup", "latest", "--yes")
    assert managed.psql("SELECT name FROM pets") == "Rex"
