"""A dump that is restored as a test while it is written, with PostgreSQL's own programs: what is said to be taken is the file
that was restored; and what fails in between leaves no file, says why, and keeps the earlier ones."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from shipway.drivers.server.postgres import PostgresServer
from tests.postgres import PASSWORD

pytestmark = pytest.mark.engine

IMAGE = "postgres:15"
# Puts a program of that name before the real one, which it finds as $REAL; then prints what is in the volume.
INSTEAD = r"""
echo earlier > /snapshots/old.dump
mkdir /tmp/instead
if [ -n "${NAME-}" ]; then
  export REAL=$(command -v "$NAME")
  printf '#!/bin/sh\n%s\n' "$PROGRAM" > "/tmp/instead/$NAME" && chmod +x "/tmp/instead/$NAME"
fi
PATH=/tmp/instead:$PATH "$@"
code=$?
cd /snapshots && for file in *.dump; do echo "there $file $(sha256sum < "$file" | cut -d ' ' -f 1)"; done
exit "$code"
"""
EARLIER = hashlib.sha256(b"earlier\n").hexdigest()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a server with a table of 20,000 rows and an index."""
    name = f"dumped-{uuid.uuid4().hex[:8]}"
    _docker("run", "--detach", "--name", name, "--env", f"POSTGRES_PASSWORD={PASSWORD}", IMAGE, "-c", "fsync=off")
    try:
        sql = (
            "CREATE TABLE pets AS SELECT n, md5(n::text) AS name FROM generate_series(1, 20000) n; "
            "CREATE INDEX ON pets (name)"
        )
        script = 'until pg_isready -q -h 127.0.0.1; do sleep 0.1; done; psql -U postgres -v ON_ERROR_STOP=1 -c "$1"'
        _docker("exec", name, "sh", "-c", script, "sh", sql)
        yield _docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name).strip()
    finally:
        _docker("rm", "--force", "--volumes", name)


def _docker(*args: str) -> str:
    return subprocess.run(["docker", *args], check=True, capture_output=True, text=True).stdout


def take(address: str, name: str = "", program: str = "") -> tuple[int, list[str]]:
    """Exit code and output of `take new.dump old.dump`. name, program: a shell script in place of that program."""
    env = {
        "PGHOST": address, "PGPORT": "5432", "PGUSER": "postgres", "PGPASSWORD": PASSWORD, "PGDATABASE": "postgres", "SHAPE": "1",
        "NAME": name, "PROGRAM": program,
    }  # fmt: skip
    options = [word for key, value in env.items() for word in ("--env", f"{key}={value}")]
    command = PostgresServer().command("take", "new.dump", "old.dump")
    run = [
        "docker",
        "run",
        "--rm",
        "--tmpfs",
        "/snapshots:size=400m",
        *options,
        IMAGE,
        "sh",
        "-c",
        INSTEAD,
        "sh",
        *command,
    ]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_what_was_restored_is_the_file(address: str) -> None:
    code, output = take(address)
    assert code == 0, output
    assert "shipway-rows public.pets\t20000" in output
    assert any(line.startswith("shipway-shape ") for line in output)
    digest = next(line for line in output if line.startswith("shipway-taken ")).split()[2]
    assert {line for line in output if line.startswith("there ")} == {
        f"there new.dump {digest}",
        f"there old.dump {EARLIER}",
    }


@pytest.mark.parametrize(
    ("name", "program", "said"),
    [
        ("pg_dump", 'head -c 500M /dev/zero > /snapshots/other; exec "$REAL" "$@"', "No space left on device"),
        ("pg_dump", '"$REAL" "$@" | head -c 50000; echo "the connection was lost" >&2; exit 1', "the connection was lost"),
        ("pg_dump", 'case " $* " in *" -Fc "*) "$REAL" "$@" | head -c 50000 ;; *) exec "$REAL" "$@" ;; esac', "pg_restore"),
        ("pg_restore", "head -c 10 > /dev/null; echo 'no memory' >&2; exit 1", "no memory"),
        ("docker-entrypoint.sh", "echo 'the test server has no disk' >&2; exit 1", "the test server has no disk"),
        ("tee", '"$REAL" "$@" | head -c -1', "its digest differs"),
    ],
    ids=["disk full", "dump failed", "dump cut", "restore failed", "no server", "file differs"],
)  # fmt: skip
def test_a_failure_takes_nothing(address: str, name: str, program: str, said: str) -> None:
    code, output = take(address, name, program)
    assert code != 0, output
    assert any(said in line for line in output), output
    assert not [line for line in output if line.startswith("shipway-taken")]
    assert [line for line in output if line.startswith("there ")] == [f"there old.dump {EARLIER}"]
