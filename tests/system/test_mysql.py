"""An environment whose database is MariaDB: proof, rollback by down scripts, snapshot, restore, and what this server can't
do: a migration that fails leaves what it did."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shipway.domain.errors import MigrationFailed, UsageError
from shipway.domain.proof import HALF_APPLIED, RESTORED
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from tests.conformance.scratch_lab import MARIADB, NEWER_MARIADB, build_mariadb, build_newer_mariadb
from tests.system.conftest import Make
from tests.system.tiny import Tiny, effects, from_its_end

pytestmark = [pytest.mark.engine, pytest.mark.machine]

CLIENT = 'mariadb -h127.0.0.1 -u"$MYSQL_USER" -p"$MYSQL_PASSWORD" "$MYSQL_DATABASE" -N -e "$1"'
UP, DOWN = "web/migrations/{}.up.sql", "web/migrations/{}.down.sql"
# Code beside the tables: RENAME TABLE moves no view, and no table with a trigger.
OWNERS = {
    UP.format("0002_owners"): """\
CREATE TABLE owners (id int PRIMARY KEY AUTO_INCREMENT, name varchar(50) NOT NULL) WITH SYSTEM VERSIONING;
ALTER TABLE pets ADD owner int, ADD CONSTRAINT owned FOREIGN KEY (owner) REFERENCES owners (id);
CREATE VIEW named AS SELECT name FROM pets WHERE length(name) > 0;
DELIMITER //
CREATE TRIGGER loud BEFORE INSERT ON pets FOR EACH ROW BEGIN SET NEW.name = upper(NEW.name); END//
DELIMITER ;
CREATE FUNCTION few() RETURNS int READS SQL DATA RETURN (SELECT count(*) FROM pets)""",
    DOWN.format("0002_owners"): """\
DROP FUNCTION few; DROP TRIGGER loud; DROP VIEW named;
ALTER TABLE pets DROP FOREIGN KEY owned; ALTER TABLE pets DROP owner;
DROP TABLE owners;
""",
}
VETS = {
    UP.format("0003_vets"): "ALTER TABLE pets ADD vet int;\nALTER TABLE pets ADD nowhere int AFTER missing;\n",
    DOWN.format("0003_vets"): "ALTER TABLE pets DROP vet;\n",
}
WEIGHT = {
    UP.format("0003_weight"): "ALTER TABLE pets ADD weight int;\n",
    DOWN.format("0003_weight"): "ALTER TABLE pets DROP weight;\n",
}


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 1 serves, with one pet."""
    build_mariadb()
    project = make(database=True)
    project.plan["accessories"] = {"db": {"image": MARIADB, "provides": "DATABASE_URL", "volume": "/var/lib/mysql"}}
    project.plan["database"] |= {"snapshot": {"when": "always", "keep": 20}, "lock_timeout": "3s", "lock_retries": 0}
    project.plan["environments"]["staging"]["prove"] = "required"
    project.protect()
    project.change("one", files={UP.format("0001_pets"): "CREATE TABLE pets (name varchar(50))"})
    project.shipway("run", "staging")
    project.shipway("db", "staging", "--", "-e", "INSERT INTO pets VALUES ('Rex')")
    return project


def sql(project: Tiny, statement: str) -> str:
    words = ["sh", "-c", CLIENT, "sh", statement]
    code, output = DockerRuntime(Engine()).execute(f"{project.app}_staging_db", words)
    assert code == 0, output
    return output.strip()


def names(project: Tiny) -> str:
    return sql(project, "SELECT group_concat(name ORDER BY name SEPARATOR ' ') FROM pets")


def tables(project: Tiny) -> set[str]:
    return set(sql(project, "SHOW TABLES").split())


def whole(project: Tiny) -> None:
    """Nothing is left of a restore, and nothing is pending."""
    assert "shipway_restore" not in sql(project, "SHOW DATABASES")
    assert "shipway_before" not in sql(project, "SHOW DATABASES")
    assert "pending" not in [item["outcome"] for item in project.deployments("staging")]


@contextmanager
def holding_a_lock(project: Tiny, statement: str = "UPDATE pets SET name = name") -> Iterator[None]:
    """A session that has run a statement, and leaves its transaction open."""
    client = 'exec mariadb -h127.0.0.1 -u"$MYSQL_USER" -p"$MYSQL_PASSWORD" "$MYSQL_DATABASE" -N --unbuffered'
    words = ["docker", "exec", "-i", f"{project.app}_staging_db", "sh", "-c", client]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdin
        assert session.stdout
        session.stdin.write(f"START TRANSACTION; {statement}; SELECT 'it is held';\n")
        session.stdin.flush()
        assert session.stdout.readline().strip() == "it is held"
        yield
        session.stdin.close()


def test_its_client(shop: Tiny) -> None:
    assert names(shop) == "Rex"
    refused = shop.shipway("db", "staging", "--read-only", "--", "-e", "DELETE FROM pets", check=False)
    assert refused.code != 0
    assert "READ ONLY" in refused.output
    assert names(shop) == "Rex"


def proof_of(project: Tiny, release: int) -> dict[str, Any]:
    ledger = project.ledger()
    (found,) = (json.loads(item.detail) for item in ledger.evidence(project.app, release) if item.kind == "proof")
    ledger.close()
    return found  # type: ignore[no-any-return]


def test_a_proof(shop: Tiny) -> None:
    shop.change("two", files=OWNERS)
    shop.shipway("run", "staging")
    assert shop.answer() == "two"
    proof = proof_of(shop, 2)
    assert proof["way"]["verdict"] == RESTORED, proof
    assert proof["image"] == MARIADB
    assert tables(shop) == {"named", "owners", "pets", "shipway_migrations"}
    shop.shipway(
        "retire", "staging", "--wait", "20"
    )  # what it does in the background, so that nothing else is under way


def snapshots(project: Tiny) -> list[dict[str, Any]]:
    return project.json("snapshots", "staging")  # type: ignore[no-any-return]


def test_a_restore_of_tables_and_code(shop: Tiny) -> None:
    sql(
        shop,
        "INSERT INTO owners (name) VALUES ('Eve'); UPDATE owners SET name = 'Ada'; INSERT INTO pets VALUES ('Tom', 1)",
    )
    shop.shipway("snapshot", "staging")
    taken = snapshots(shop)[0]
    assert taken["rows"] == {"owners": 2, "pets": 2, "shipway_migrations": 2}, "former rows are rows"
    sql(shop, "DROP TRIGGER loud; DROP VIEW named; DROP FUNCTION few; DELETE FROM pets; CREATE TABLE later (n int)")
    done = shop.shipway("restore", "staging", str(taken["number"]), "--yes")
    assert tables(shop) == {"named", "owners", "pets", "shipway_migrations"}, done.output
    sql(shop, "INSERT INTO pets VALUES ('Kim', 1)")
    assert (names(shop), sql(shop, "SELECT few()")) == ("KIM Rex TOM", "3")
    assert sql(shop, "SELECT count(*) FROM named") == "3"
    assert sql(shop, "SELECT name FROM owners FOR SYSTEM_TIME ALL ORDER BY row_start").split() == ["Eve", "Ada"]
    code, output = DockerRuntime(Engine()).execute(
        f"{shop.app}_staging_db", ["sh", "-c", CLIENT, "sh", "INSERT INTO pets VALUES ('Jim', 99)"]
    )
    assert code != 0, "the foreign key is there"
    assert "foreign key" in output
    whole(shop)


@pytest.mark.full
def test_killed_at_points_of_a_restore(shop: Tiny) -> None:
    target = next(item["number"] for item in snapshots(shop) if item["rows"]["pets"] == 2)
    shop.env["SHIPWAY_TEST_DIE"] = "0"
    counted = shop.shipway("restore", "staging", str(target), "--yes")
    every = effects(counted.output)
    ends: set[str] = set()
    for from_end in from_its_end(ends):
        sql(shop, "DELETE FROM pets")
        before = len(shop.deployments("staging"))
        shop.env["SHIPWAY_TEST_DIE"] = f"{every - from_end},after"
        died = shop.shipway("restore", "staging", str(target), "--yes", check=False)
        del shop.env["SHIPWAY_TEST_DIE"]
        assert died.code == -signal.SIGKILL, died.output
        then = shop.shipway("retire", "staging", "--wait", "20")
        whole(shop)
        known = shop.deployments("staging")
        outcome = known[0]["outcome"] if len(known) > before else "failed"  # it died before it began
        assert (names(shop) == "Rex TOM") == (outcome == "succeeded"), f"{from_end}\n{died.output}\n{then.output}"
        assert sql(shop, "SELECT trigger_name FROM information_schema.triggers") == "loud"
        assert "named" in tables(shop)
        ends.add(outcome)
    assert ends == {"succeeded", "failed"}


def test_a_rollback_by_down_scripts(shop: Tiny) -> None:
    done = shop.shipway("rollback", "staging")
    assert "revert" in done.output, done.output
    assert shop.answer() == "one"
    assert tables(shop) == {"pets", "shipway_migrations"}
    assert sql(shop, "SHOW TRIGGERS") == ""
    assert "owner" not in sql(shop, "SHOW COLUMNS FROM pets")


def test_what_a_failed_migration_leaves(shop: Tiny) -> None:
    """Its first statement stays; the proof says so before anything is deployed, and so does a deployment without one."""
    first = shop.git("rev-parse", "HEAD").output.strip()
    shop.change("three", files=VETS)
    refused = shop.shipway("run", "staging", check=False)
    assert HALF_APPLIED in refused.output, refused.output
    assert "column pets.vet added" in refused.output
    assert "vet" not in sql(shop, "SHOW COLUMNS FROM pets")
    shop.undo(first)


@pytest.mark.full
def test_a_session_that_holds_a_lock(shop: Tiny) -> None:
    """The migration gives up at its second statement, so that requests don't queue behind it: the first one stays, so it is
    not tried again."""
    shop.change("three", files=WEIGHT)
    with holding_a_lock(shop):
        refused = shop.shipway("run", "staging", check=False)
    assert refused.code == MigrationFailed.exit_code, refused.output
    assert "since the migrations began, it has changed" in refused.output, refused.output
    assert "+CREATE TABLE `owners` (" in refused.output
    assert "/*!" not in refused.output
    assert shop.answer() == "one"
    assert tables(shop) == {"owners", "pets", "shipway_migrations"}
    sql(shop, "DROP TABLE owners")
    shop.shipway("run", "staging")
    assert "weight" in sql(shop, "SHOW COLUMNS FROM pets")


@pytest.mark.full
def test_an_upgrade_to_a_newer_version(shop: Tiny) -> None:
    """Tables, rows and code go along, by the newer version's programs; all that is done with a database works on it."""
    build_newer_mariadb()
    shop.change("four", files=OWNERS)
    shop.shipway("run", "staging")
    sql(shop, "INSERT INTO owners (name) VALUES ('Ada')")
    before = (names(shop), sql(shop, "SELECT few()"))
    shop.shipway("snapshot", "staging")
    earlier = snapshots(shop)[0]["number"]
    shop.plan["accessories"]["db"]["image"] = NEWER_MARIADB
    shop.change("five")
    assert shop.shipway("run", "staging", check=False).code == UsageError.exit_code
    refused = shop.shipway("deploy", "staging", "staging", "--force", check=False)
    assert refused.code == UsageError.exit_code, refused.output
    assert "shipway database upgrade staging" in refused.output
    assert sql(shop, "SELECT version()").startswith("10.11.")
    done = shop.shipway("database", "upgrade", "staging")
    assert "MariaDB 10.11" in done.output, done.output
    assert sql(shop, "SELECT version()").startswith("11.8.")
    assert (names(shop), sql(shop, "SELECT few()")) == before
    assert shop.answer() == "four"
    shop.shipway("restore", "staging", str(earlier), "--yes")  # current rows of that version end at another time
    assert sql(shop, "SELECT name FROM owners") == "Ada"
    sql(shop, "INSERT INTO pets (name, owner) VALUES ('Kim', 1)")
    assert "KIM" in names(shop)
    assert {f"{shop.app}_staging_db", f"{shop.app}_staging_db.v11.8"} <= set(shop.volumes())
    shop.shipway("run", "staging")
    assert shop.answer() == "five"
    shop.change(
        "six",
        files={
            UP.format("0004_age"): "ALTER TABLE pets ADD age int;\n",
            DOWN.format("0004_age"): "ALTER TABLE pets DROP age;\n",
        },
    )
    run = shop.shipway("run", "staging")
    assert RESTORED in run.output, run.output
    asked = shop.shipway("db", "staging", "--", "-e", "SELECT 1")
    assert "WARNING" not in run.output + asked.output
    shop.shipway("snapshot", "staging")
    sql(shop, "DELETE FROM pets")
    shop.shipway("restore", "staging", str(snapshots(shop)[0]["number"]), "--yes")
    assert "KIM" in names(shop)
    whole(shop)
    shop.shipway("rollback", "staging")
    assert "age" not in sql(shop, "SHOW COLUMNS FROM pets")
