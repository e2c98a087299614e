"""dbmate, run inside the release's image: the project's own version."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from shipway.domain.database import FILE_KIND
from shipway.domain.errors import MigrationFailed
from shipway.domain.own_tables import OwnTablesCache
from shipway.drivers.database.named import Named, reason
from shipway.drivers.database.sql_folder import Migration, load
from shipway.drivers.mysql_client import CLIENT
from shipway.drivers.sqlite_program import program
from shipway.ports import OneOff

# Arguments: the verb, the folder, and the files. `dbmate migrate` applies everything in its folder, and `dbmate
# rollback` reverts the newest file there: so they get a folder with exactly these files. The accessory has no TLS,
# which dbmate enables by default, unless DATABASE_URL or PGSSLMODE says otherwise.
SCRIPT = r"""
export PGSSLMODE="${PGSSLMODE:-disable}" DBMATE_NO_DUMP_SCHEMA=true DBMATE_STRICT=false
word=$1 folder=$2
shift 2
# dbmate reads .env itself
table=${DBMATE_MIGRATIONS_TABLE:-$(sed -n 's/^\(export \)*DBMATE_MIGRATIONS_TABLE=//p' .env 2>/dev/null | tr -d "'\"")}
[ "$word" != status ] || dbmate -d "$folder" status || exit
[ "$word" != status ] && [ "$word" != table ] || { echo "table ${table:-schema_migrations}"; exit; }
few=$(mktemp -d) || exit
for file; do cp "$folder/$file" "$few" || exit; done
[ "$word" != rollback ] || for file; do dbmate -d "$few" rollback || exit; done
[ "$word" != migrate ] || dbmate -d "$few" migrate
"""
# dbmate doesn't report applied migrations missing from its folder; its migration history table does. By kind of server.
HISTORY = {
    "postgres": r"""
psql -X -q -A -t -v ON_ERROR_STOP=1 -v table="$1" -f - <<'SQL'
SELECT to_regclass(:'table') IS NOT NULL AS found \gset
\if :found
SELECT 'applied ' || version FROM :table;
\endif
SQL
""",
    "mysql": CLIENT
    + r"""
sql() { $client --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER" --batch --raw --skip-column-names "$DB_NAME" -e "$1"; }
found=$(sql "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = '$1'") || exit
[ -z "$found" ] || sql "SELECT CONCAT('applied ', version) FROM \`$1\`"
""",
}
_STATUS = re.compile(r"\[X\] (\d+)", re.MULTILINE)
_TABLE = re.compile(r"^table (\S+)$", re.MULTILINE)
_ROW = re.compile(r"^applied (\S+)$", re.MULTILINE)


class Dbmate(Named):
    """See ports.DatabaseTool. A revision is a version: the digits in a file's name. `files` returns the files of a
    folder of the image; `client` runs a command in the database's image, with the variables of its client. kind: of the
    database's accessory."""

    def __init__(
        self,
        run: OneOff,
        client: OneOff,
        files: Callable[[str], dict[str, bytes]],
        folder: str | None = None,
        cache: OwnTablesCache | None = None,
        kind: str = "postgres",
    ) -> None:
        self._run = run
        self._cache = cache or OwnTablesCache()
        self._client, self._history_of = client, partial(_history, kind)
        self._files = files
        self._folder = folder or "db/migrations"
        self._loaded: dict[str, Migration] | None = None

    def _migrations(self) -> Mapping[str, Migration]:
        if self._loaded is None:  # an image never changes, and reading its files costs a container
            self._loaded = {item.version: item for item in load(self._folder, self._files(self._folder), "dbmate")}
        return self._loaded

    def _available(self) -> Sequence[str]:
        return list(self._migrations())

    def _applied(self) -> Collection[str]:
        code, output = self._call("status", [])
        table = _TABLE.search(output)
        if code or table is None:
            raise _broken(code, output)
        code, rows = self._client(self._history_of(table[1]))
        applied = set(_ROW.findall(rows))
        if code or not applied.issuperset(_STATUS.findall(output)):
            raise MigrationFailed(
                f"dbmate's migration history table {table[1]} can't be read\n{reason(rows.splitlines())}",
                hint="dbmate must use the accessory's database, and `DBMATE_MIGRATIONS_TABLE` must name the table with its schema",
            )
        return applied

    def _history_tables(self) -> Collection[str]:
        table = _TABLE.search(self._call("table", [])[1])
        return [table[1].rpartition(".")[2] if table else "schema_migrations"]

    def _apply(self, names: Sequence[str], all_pending: bool) -> tuple[int, str]:
        return self._call("migrate", names)

    def _revert(self, names: Sequence[str]) -> tuple[int, str]:
        return self._call("rollback", names)

    def _down_migrations(self, names: Sequence[str]) -> Mapping[str, tuple[str, str] | None]:
        downs = {name: item.down for name, item in self._migrations().items() if name in names}
        return {
            name: None if down is None or down.empty else (down.path, down.text.strip() + "\n")
            for name, down in downs.items()
        }

    def _call(self, word: str, names: Sequence[str]) -> tuple[int, str]:
        paths = [self._migrations()[name].up.path for name in names]
        return self._run(["sh", "-c", SCRIPT, "shipway", word, self._folder, *paths])


def _history(kind: str, table: str) -> Sequence[str]:
    """The command that reads the table."""
    return program("versions", table) if kind == FILE_KIND else ("sh", "-c", HISTORY[kind], "shipway", table)


def _broken(code: int, output: str) -> MigrationFailed:
    hint = "check that the database is reachable and that the service's variables contain its address"
    if code == 127:
        hint = "the image of the service needs dbmate on its PATH"
    elif "could not find migrations directory" in output:
        hint = "set `database: {folder: …}` in the plan"
    return MigrationFailed(f"dbmate can't read the state of the database\n{reason(output.splitlines())}", hint=hint)
