"""An environment whose database is an SQLite file: proof, rollback by down scripts, snapshot and restore, while the service
has the file open and writes to it."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from examples.project import get
from shipway.domain.proof import HALF_APPLIED, RESTORED
from tests.system.conftest import Make
from tests.system.tiny import Tiny, effects, from_its_end

pytestmark = [pytest.mark.engine, pytest.mark.machine]

UP, DOWN = "web/migrations/{}.up.sql", "web/migrations/{}.down.sql"
# One connection for the life of the process, in the mode WAL; each request of /add writes a row, and a file beside the
# database.
SERVER = """\
import http.server, pathlib, sqlite3, threading, urllib.parse
db = sqlite3.connect("/data/app.db", isolation_level=None, check_same_thread=False)
db.execute("PRAGMA journal_mode = WAL")
lock = threading.Lock()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with lock:
            path, _, name = self.path.partition("?")
            if path == "/add":
                db.execute("INSERT INTO pets (name) VALUES (?)", [name])
                pathlib.Path("/data", name + ".txt").write_text(name)
            body = open("name").read() if path == "/" else " ".join(
                name for (name,) in db.execute("SELECT name FROM pets ORDER BY name"))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
RUN useradd --uid 1234 app && mkdir /data && chown app /data
WORKDIR /app
COPY . .
USER app
CMD ["python3", "server.py"]
"""
PETS = {
    UP.format("0001_pets"): "CREATE TABLE pets (name text);\n",
    DOWN.format("0001_pets"): "DROP TABLE pets;\n",
    "web/Dockerfile": DOCKERFILE,
    "web/server.py": SERVER,
}
OWNERS = {
    UP.format("0002_owners"): """\
CREATE TABLE owners (id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL);
ALTER TABLE pets ADD COLUMN owner integer REFERENCES owners (id);
CREATE VIEW named AS SELECT name FROM pets WHERE length(name) > 0;
CREATE TRIGGER loud AFTER INSERT ON pets BEGIN UPDATE pets SET name = upper(name) WHERE rowid = NEW.rowid; END;
""",
    DOWN.format("0002_owners"): """\
DROP TRIGGER loud; DROP VIEW named;
ALTER TABLE pets DROP COLUMN owner;
DROP TABLE owners;
""",
}
VETS = {
    UP.format("0003_vets"): "ALTER TABLE pets ADD COLUMN vet integer;\nALTER TABLE nowhere ADD COLUMN n integer;\n",
    DOWN.format("0003_vets"): "ALTER TABLE pets DROP COLUMN vet;\n",
}


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 1 serves, with one pet."""
    project = make()
    project.plan["services"]["web"] |= {"volumes": {"data": "/data"}, "health": {"path": "/pets", "timeout": "60s"}}
    project.plan["database"] = {
        "file": "/data/app.db", "service": "web", "tool": "sql", "folder": "migrations",
        "snapshot": {"when": "always", "keep": 20}, "lock_timeout": "3s", "lock_retries": 0,
    }  # fmt: skip
    project.plan["environments"]["staging"]["prove"] = "required"
    project.protect()
    project.change("one", files=PETS)
    project.shipway("run", "staging")
    add(project, "Rex")
    return project


def add(project: Tiny, name: str) -> None:
    status, body = get(f"{project.staging}/add?{name}")
    assert status == 200, body


def sql(project: Tiny, statement: str) -> str:
    return project.shipway("db", "staging", "--", "-c", statement).output.strip()


def names(project: Tiny) -> str:
    """As the service reads them, in the connection that it has had since its start."""
    return get(f"{project.staging}/pets")[1]


def tables(project: Tiny) -> set[str]:
    return set(sql(project, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").split()) - {
        "sqlite_sequence"
    }


def files(project: Tiny) -> set[str]:
    done = project.shipway("exec", "staging", "web", "--", "ls", "-A", "/data")
    return set(done.output.split())


def whole(project: Tiny) -> None:
    """Nothing is left of a restore, and nothing is pending."""
    assert "shipway_swapped" not in tables(project)
    assert not any(name.startswith(".shipway") for name in files(project))
    assert "pending" not in [item["outcome"] for item in project.deployments("staging")]
    assert sql(project, "PRAGMA integrity_check") == "ok"


def test_its_client(shop: Tiny) -> None:
    assert sql(shop, "SELECT name FROM pets") == "Rex"
    refused = shop.shipway("db", "staging", "--read-only", "--", "-c", "DELETE FROM pets", check=False)
    assert refused.code != 0
    assert "readonly" in refused.output
    assert names(shop) == "Rex"


def proof_of(project: Tiny, release: int) -> dict[str, Any]:
    ledger = project.ledger()
    (found,) = (json.loads(item.detail) for item in ledger.evidence(project.app, release) if item.kind == "proof")
    ledger.close()
    return found  # type: ignore[no-any-return]


def test_a_proof(shop: Tiny) -> None:
    shop.change("two", files=OWNERS)
    done = shop.shipway("run", "staging")
    assert shop.answer() == "two"
    proof = proof_of(shop, 2)
    assert proof["way"]["verdict"] == RESTORED, (proof, done.output)
    assert tables(shop) == {"named", "owners", "pets", "shipway_migrations"}
    shop.shipway("retire", "staging", "--wait", "20")


def snapshots(project: Tiny) -> list[dict[str, Any]]:
    return project.json("snapshots", "staging")  # type: ignore[no-any-return]


def test_a_restore_of_tables_and_code(shop: Tiny) -> None:
    add(shop, "Tom")
    shop.shipway("snapshot", "staging")
    taken = snapshots(shop)[0]
    assert taken["rows"] == {"owners": 0, "pets": 2, "shipway_migrations": 2}
    add(shop, "Later")
    sql(shop, "DROP TRIGGER loud")
    sql(shop, "CREATE TABLE later (n int)")
    done = shop.shipway("restore", "staging", str(taken["number"]), "--yes")
    assert tables(shop) == {"named", "owners", "pets", "shipway_migrations"}, done.output
    assert names(shop) == "Rex TOM"
    assert {"Rex.txt", "Tom.txt", "app.db"} <= files(shop)
    assert "Later.txt" not in files(shop)
    add(shop, "Kim")  # by the connection that was open before the restore, with the trigger that is there again
    assert names(shop) == "KIM Rex TOM"
    assert sql(shop, "SELECT count(*) FROM named") == "3"
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
        assert "named" in tables(shop)
        ends.add(outcome)
    assert ends == {"succeeded", "failed"}


def test_a_rollback_by_down_scripts(shop: Tiny) -> None:
    done = shop.shipway("rollback", "staging")
    assert "revert" in done.output, done.output
    assert shop.answer() == "one"
    assert tables(shop) == {"pets", "shipway_migrations"}
    assert sql(shop, "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'") == "0"
    assert "owner" not in sql(shop, "SELECT sql FROM sqlite_master WHERE name = 'pets'")


def test_a_failed_migration(shop: Tiny) -> None:
    """Its proof refuses the release before anything is deployed."""
    first = shop.git("rev-parse", "HEAD").output.strip()
    shop.change("three", files=VETS)
    refused = shop.shipway("run", "staging", check=False)
    assert refused.code != 0
    assert HALF_APPLIED not in refused.output, refused.output
    assert "no such table: nowhere" in refused.output
    assert "vet" not in sql(shop, "SELECT sql FROM sqlite_master WHERE name = 'pets'")
    shop.undo(first)
