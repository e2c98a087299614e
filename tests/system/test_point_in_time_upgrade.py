"""Any time across an upgrade from PostgreSQL 13, with the log of changes in a bucket: times before it are restored by a server of
the older version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from shipway.domain.errors import SnapshotFailed
from tests.conformance.scratch_lab import build_postgres
from tests.conformance.test_backups import KEY, Server
from tests.system.conftest import Make
from tests.system.test_backups import secret
from tests.system.test_backups_kinds import with_backups
from tests.system.test_point_in_time import moment, tick
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.engine, pytest.mark.machine]

DATA = "/var/lib/postgresql/data"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    (folder := tmp_path_factory.mktemp("store") / "s3").mkdir()
    made = Server(folder)
    yield made
    made.end()


@pytest.fixture(scope="module")
def shop(make: Make, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiny]:
    project = make(database=True, port=8741)
    project.command("docker", "tag", build_postgres(13), f"{project.app}/postgres:13", check=True)
    with_backups(project, tmp_path_factory.mktemp("keys"))
    project.plan["environments"]["staging"]["backups"] |= {
        "to": "s3://bucket/shop", "endpoint": f"http://127.0.0.1:{server.port}", "access_key": "BACKUP_ID",
        "secret_key": "BACKUP_SECRET", "continuous": "1s", "verify": "read",
    }  # fmt: skip
    set_database(project, f"{project.app}/postgres:13")
    project.protect()
    project.change("one")
    for name, value in {"BACKUP_ID": KEY.access_key, "BACKUP_SECRET": KEY.secret_key}.items():
        secret(project, name, value)
    project.shipway("run", "staging")
    yield project
    project.command("docker", "rmi", "--force", f"{project.app}/postgres:13", check=False)


def set_database(project: Tiny, image: str) -> None:
    project.plan["accessories"]["db"] = {"image": image, "kind": "postgres", "provides": "DATABASE_URL", "volume": DATA}


def names(project: Tiny) -> str:
    return project.psql("SELECT string_agg(name, ' ' ORDER BY name) FROM pets")


def test_times_before_and_after_an_upgrade(shop: Tiny) -> None:
    assert shop.psql("SHOW server_version").startswith("13.")
    shop.shipway("backup", "staging")
    shop.psql("INSERT INTO pets VALUES ('Cat')")
    before = moment(shop)
    shop.psql("INSERT INTO pets VALUES ('Dog')")
    tick(shop)

    with closing(sqlite3.connect(shop.home / "ledger.db")) as ledger, ledger:  # of another day: it stays
        ledger.execute("UPDATE backups SET started = started - 86400")

    set_database(shop, "postgres:15")
    shop.protect()
    shop.change("two")
    shop.shipway("run", "staging", check=False)
    shop.shipway("database", "upgrade", "staging")
    assert shop.psql("SHOW server_version").startswith("15.")
    tick(shop)
    assert "can't be restored until a new backup" in shop.shipway("status").output
    shop.shipway("backup", "staging")
    shop.psql("INSERT INTO pets VALUES ('Owl')")
    after = moment(shop)
    shop.psql("TRUNCATE pets")
    tick(shop)

    shop.shipway("restore", "staging", "--to-time", before, "--yes")
    assert names(shop) == "Cat"
    assert shop.psql("SHOW server_version").startswith("15.")
    shop.shipway("restore", "staging", "--to-time", after, "--yes")
    assert names(shop) == "Cat Dog Owl"

    image = f"{shop.app}/postgres:13"
    shop.command("docker", "tag", "postgres:15", image, check=True)  # its name is another version now
    refused = shop.shipway("restore", "staging", "--to-time", before, "--yes", check=False)
    assert refused.code == SnapshotFailed.exit_code, refused.output
    assert "the files are of PostgreSQL 13, and the image has PostgreSQL 15" in refused.output
    shop.command("docker", "rmi", image, check=True)
    refused = shop.shipway("restore", "staging", "--to-time", before, "--yes", check=False)
    assert refused.code == SnapshotFailed.exit_code, refused.output
    assert f"are of a server of {image}, and staging has postgres:15" in refused.output
    assert names(shop) == "Cat Dog Owl", "nothing was changed"
