"""A verified backup beside `pg_dump` and `pg_restore` of the same database, in the same run: 128 MB and 1 GB of rows.

The backup is dumped, restored into a scratch server, encrypted, stored in a folder, read back and decrypted. Its peer only
dumps, and restores into a second database of the same server. Both compress as `pg_dump` does by default.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bench.measure import Row, interleaved, seconds
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from tests.system import prepared
from tests.system.tiny import Tiny

SIZES = {128: 3, 1024: 1}  # megabytes, and how often both are measured; once: without a warm-up
GOAL = 1.2  # times the peer, at 1 GB: at a small size, starting a scratch server counts
PORT = 8738


def rows() -> list[Row]:
    """Seconds of both, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        project = Tiny(Path(folder) / "project", database=True, port=PORT)
        project.folder.mkdir()
        store = Path(folder) / "store"
        store.mkdir()
        try:
            _prepare(project, store)
            return [row for size, times in SIZES.items() for row in _measured(project, size, times)]
        finally:
            project.destroy()


def _measured(project: Tiny, megabytes: int, times: int) -> list[Row]:
    _fill(project, megabytes)
    works = [lambda: project.shipway("backup", "staging"), lambda: _peer(project)]
    ours, theirs = interleaved(works, times) if times > 1 else [seconds(work) for work in works]
    listed = json.loads(project.shipway("backups", "staging", "--json").output)
    assert listed[0]["verified"], listed[0]
    goal = GOAL if megabytes >= 1024 else None
    return [
        Row(f"verified backup of {megabytes} MB", ours, "s"),
        Row(f"pg_dump and pg_restore of {megabytes} MB", theirs, "s"),
        Row(f"verified backup of {megabytes} MB beside pg_dump and pg_restore", ours / theirs, "×", goal),
    ]


def _prepare(project: Tiny, store: Path) -> None:
    project.create()
    key = project.folder / "key"
    recipient = project.shipway("backup", "--new-key", str(key)).output.splitlines()[0]
    project.plan["environments"]["staging"]["backups"] = {
        "to": str(store), "recipients": [recipient], "key": "BACKUP_KEY", "keep": {"daily": 1, "weekly": 0, "monthly": 0},
    }  # fmt: skip
    project.protect()
    project.change("one")
    text = key.read_text().splitlines()[1]
    done = prepared.run(["secret", "set", "staging", "BACKUP_KEY"], project.where, project.env, merged=True, text=text)
    assert done.returncode == 0, done.stdout
    project.shipway("run", "staging")


def _fill(project: Tiny, megabytes: int) -> None:
    """Rows of 1 kB, of which a third can be compressed away."""
    block = (
        "SELECT string_agg(md5(random()::text || n), '') || repeat('x', 300) FROM generate_series(1, 22) n WHERE g > 0"
    )
    project.psql(f"TRUNCATE pets; INSERT INTO pets SELECT ({block}) FROM generate_series(1, {megabytes * 1000}) g")
    project.psql("CHECKPOINT")


def _peer(project: Tiny) -> None:
    user = project.app.replace("-", "_")
    script = (
        f"dropdb --if-exists -U {user} peer && createdb -U {user} peer && pg_dump -Fc -U {user} -f /tmp/peer.dump {user} && "
        f"pg_restore --exit-on-error -U {user} -d peer /tmp/peer.dump"
    )
    code, output = DockerRuntime(Engine()).execute(f"{project.app}_staging_db", ["sh", "-c", script], timeout=3600)
    assert code == 0, output


if __name__ == "__main__":
    for row in rows():
        print(row)
