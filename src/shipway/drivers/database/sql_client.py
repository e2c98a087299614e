"""Commands that the SQL driver runs in the database's own image: psql with arguments, since a one-off has no input."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database.sql_folder import Migration, SqlFile

# Arguments: none to read the state; else for each file its path, psql's options, the statement that records it, the
# number of chunks, and the chunks (base64 of gzip, whose checksum prevents running a truncated script). The record is a
# -c after the file: a file that consumes its rest (an unterminated COPY) can't consume the record, and psql's one
# transaction covers both.
SCRIPT = r"""
exec 2>&1
export PGCLIENTENCODING=UTF8
client() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }
state() {
  client -A -t -F ' ' -f - <<'SQL'
SELECT to_regclass('public.shipway_migrations') IS NOT NULL AS found \gset
\if :found
SELECT 'shipway-applied', version, checksum FROM public.shipway_migrations;
\endif
\echo shipway-read
SQL
}
[ $# -gt 0 ] || { state; exit; }
PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning" client -c 'CREATE TABLE IF NOT EXISTS
  public.shipway_migrations (version text PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now())' || exit
while [ $# -gt 0 ]; do
  file=$1 options=$2 record=$3 count=$4 packed=
  shift 4
  while [ "$count" -gt 0 ]; do packed=$packed$1; shift; count=$((count - 1)); done
  echo "shipway-begin $file"
  sql=$(printf %s "$packed" | base64 -d | gunzip) || exit
  printf '%s\n' "$sql" | client $options -f - -c "$record" || { code=$?; state; exit $code; }
  echo shipway-done
done
"""
CHUNK = 100_000  # Linux's limit is 128 KiB per argument …
CALL = 1_000_000  # … and 2 MiB including the environment
_APPLIED = re.compile(r"shipway-applied (\S+) (\S+)")


@dataclass(frozen=True)
class Job:
    """A file to run, with its change of the state table."""

    file: SqlFile
    record: str

    def arguments(self) -> list[str]:
        packed = base64.b64encode(gzip.compress(self.file.text.encode(), mtime=0)).decode()
        if len(packed) > CALL:
            raise MigrationFailed(
                f"{self.file.path} is too large: {len(packed):,} bytes packed, {CALL:,} is the limit",
                hint="split it, or load bulk data with the environment's seed command",
            )
        chunks = [packed[at : at + CHUNK] for at in range(0, len(packed), CHUNK)]
        options = "--single-transaction" if self.file.transaction else ""
        return [self.file.path, options, self.record, str(len(chunks)), *chunks]


@dataclass(frozen=True)
class Outcome:
    """The result of a call. `applied` (version: checksum) is None if the state could not be read."""

    applied: dict[str, str] | None
    failed: str | None  # path of the failed file
    lines: list[str]  # psql's output


def apply_job(migration: Migration) -> Job:
    values = ", ".join(_quote(text) for text in (migration.version, migration.name, migration.checksum))
    return Job(migration.up, f"INSERT INTO public.shipway_migrations (version, name, checksum) VALUES ({values})")


def revert_job(version: str, down: SqlFile) -> Job:
    """`version` as in the state table."""
    return Job(down, f"DELETE FROM public.shipway_migrations WHERE version = {_quote(version)}")


def command(arguments: Sequence[str] = ()) -> list[str]:
    return ["sh", "-c", SCRIPT, "shipway", *arguments]


def calls(jobs: Sequence[Job]) -> Iterator[list[str]]:
    """The commands that run these jobs: one, unless they exceed the limit of a command."""
    batch: list[str] = []
    size = 0
    for arguments in [job.arguments() for job in jobs]:
        length = sum(len(item.encode()) + 1 for item in arguments)
        if batch and size + length > CALL:
            yield command(batch)
            batch, size = [], 0
        batch += arguments
        size += length
    if batch:
        yield command(batch)


def read(output: str) -> Outcome:
    """Parse the output of one call."""
    applied: dict[str, str] = {}
    complete = False
    failed: str | None = None
    lines: list[str] = []
    for line in output.splitlines():
        if match := _APPLIED.fullmatch(line.rstrip()):
            applied[match[1]] = match[2]
        elif line.rstrip() == "shipway-read":
            complete = True
        elif line.startswith("shipway-begin "):
            failed = line.removeprefix("shipway-begin ").rstrip()
            lines.append(failed)
        elif line.rstrip() == "shipway-done":
            failed = None
        else:
            lines.append(line.rstrip().replace("psql:<stdin>:", f"{failed}:" if failed else "psql:"))
    return Outcome(applied if complete else None, failed, lines)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
