"""Commands that the SQL driver runs in the database's own image: its client with arguments, since a one-off has no input."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Callable, Iterator, Sequence

from shipway.domain.database import FILE_KIND
from shipway.domain.errors import MigrationFailed
from shipway.domain.value import dataclass
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.mysql_client import CLIENT
from shipway.drivers.sqlite_program import program

# Arguments: none to read the state; else for each file its path, whether it runs in a transaction (y), the statement that
# records it, the number of chunks, and the chunks (base64 of gzip, whose checksum prevents running a truncated script).
# Of a server: state, prepare (the table), run TRANSACTION RECORD (a script from its input).
_SCRIPT = r"""
[ $# -gt 0 ] || { state; exit; }
prepare || exit
while [ $# -gt 0 ]; do
  file=$1 transaction=$2 record=$3 count=$4 packed=
  shift 4
  while [ "$count" -gt 0 ]; do packed=$packed$1; shift; count=$((count - 1)); done
  echo "shipway-begin $file"
  sql=$(printf %s "$packed" | base64 -d | gunzip) || exit
  printf '%s\n' "$sql" | run "$transaction" "$record" || { code=$?; state; exit $code; }
  echo shipway-done
done
"""
# The record is a -c after the file: a file that consumes its rest (an unterminated COPY) can't consume the record, and
# psql's one transaction covers both.
_POSTGRES = r"""
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
prepare() {
  PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning" client -c 'CREATE TABLE IF NOT EXISTS
    public.shipway_migrations (version text PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())'
}
run() { client ${1:+--single-transaction} -f - -c "$2"; }
"""
# The transaction covers the record and changes of rows; each change of the schema commits what was before it.
_MYSQL = (
    CLIENT
    + r"""
exec 2>&1
client() {
  $client --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER" \
    --default-character-set=utf8mb4 --batch --raw --skip-column-names "$DB_NAME" "$@"
}
state() {
  there=$(client -e "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = 'shipway_migrations'") || return
  [ -z "$there" ] || client -e "SELECT CONCAT('shipway-applied ', version, ' ', checksum) FROM shipway_migrations" || return
  echo shipway-read
}
prepare() {
  client -e 'CREATE TABLE IF NOT EXISTS shipway_migrations (version varchar(255) PRIMARY KEY, name varchar(255) NOT NULL,
    checksum varchar(255) NOT NULL, applied_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)'
}
run() {
  start=${SHIPWAY_SESSION:-}
  [ -z "$1" ] || start="${start:-SET SESSION}${start:+,} autocommit = 0"
  { cat; printf '%s;\nCOMMIT;\n' "$2"; } | client ${start:+"--init-command=$start"}
}
"""
)
CHUNK = 100_000  # Linux's limit is 128 KiB per argument …
CALL = 1_000_000  # … and 2 MiB including the environment
_DELIMITER = re.compile(r"^[ \t]*DELIMITER[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE)
_LAST_COMMENTS = re.compile(r"(?:\s*(?:(?:--[^\n]*|\#[^\n]*)(?=\n|\Z)|/\*(?![!+]).*?\*/))*\s*\Z", re.DOTALL)
_APPLIED = re.compile(r"shipway-applied (\S+) (\S+)")


@dataclass(frozen=True)
class Job:
    """A file to run, with its change of the state table. text: the file's, as the client takes it."""

    file: SqlFile
    text: str
    record: str

    def arguments(self) -> list[str]:
        packed = base64.b64encode(gzip.compress(self.text.encode(), mtime=0)).decode()
        if len(packed) > CALL:
            raise MigrationFailed(
                f"{self.file.path} is too large: {len(packed):,} bytes packed, {CALL:,} is the limit",
                hint="split it, or load bulk data with the environment's seed command",
            )
        chunks = [packed[at : at + CHUNK] for at in range(0, len(packed), CHUNK)]
        return [self.file.path, "y" if self.file.transaction else "", self.record, str(len(chunks)), *chunks]


@dataclass(frozen=True)
class Outcome:
    """The result of a call. `applied` (version: checksum) is None if the state could not be read."""

    applied: dict[str, str] | None
    failed: str | None  # path of the failed file
    lines: list[str]  # the client's output


@dataclass(frozen=True)
class Client:
    """The client of a kind of server, with its dialect."""

    functions: str  # empty: a program of its own, with the same arguments and output
    table: str  # of the applied migrations
    atomic: bool  # whether a transaction covers changes of the schema
    escaped: Callable[[str], str] = lambda text: text.replace("'", "''")
    ended: Callable[[str], str] = lambda text: text

    def apply_job(self, migration: Migration) -> Job:
        values = ", ".join(self._quote(text) for text in (migration.version, migration.name, migration.checksum))
        return self._job(migration.up, f"INSERT INTO {self.table} (version, name, checksum) VALUES ({values})")

    def revert_job(self, version: str, down: SqlFile) -> Job:
        """`version` as in the state table."""
        return self._job(down, f"DELETE FROM {self.table} WHERE version = {self._quote(version)}")

    def command(self, arguments: Sequence[str] = ()) -> list[str]:
        if not self.functions:
            return [*program("migrate"), *arguments]
        return ["sh", "-c", self.functions + _SCRIPT, "shipway", *arguments]

    def calls(self, jobs: Sequence[Job]) -> Iterator[list[str]]:
        """The commands that run these jobs: one, unless they exceed the limit of a command."""
        batch: list[str] = []
        size = 0
        for arguments in [job.arguments() for job in jobs]:
            length = sum(len(item.encode()) + 1 for item in arguments)
            if batch and size + length > CALL:
                yield self.command(batch)
                batch, size = [], 0
            batch += arguments
            size += length
        if batch:
            yield self.command(batch)

    def _job(self, file: SqlFile, record: str) -> Job:
        return Job(file, self.ended(file.text), record)

    def _quote(self, text: str) -> str:
        return f"'{self.escaped(text)}'"


def ended(text: str) -> str:
    """A script whose last statement ends, so that another can follow: MySQL's client reads them from one input."""
    delimiters = _DELIMITER.findall(text)
    delimiter = delimiters[-1] if delimiters else ";"
    body = _LAST_COMMENTS.sub("", text).rstrip()
    open_end = body and not body.endswith(delimiter) and not _DELIMITER.match(body.rpartition("\n")[2])
    return f"{text.rstrip()}\n{delimiter if open_end else ''}\nDELIMITER ;"


CLIENTS = {
    "postgres": Client(_POSTGRES, "public.shipway_migrations", atomic=True),
    "mysql": Client(
        _MYSQL, "shipway_migrations", atomic=False, ended=ended,
        escaped=lambda text: text.replace("\\", "\\\\").replace("'", "''"),
    ),
    FILE_KIND: Client("", "shipway_migrations", atomic=True),
}  # fmt: skip


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
