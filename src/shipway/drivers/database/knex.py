"""Knex's command line, run inside the release's image: the project's own version."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database.javascript import JavaScript

_HEADLINE = re.compile(r"(Found \d+|No) (Completed|Pending) Migration")
_MISSING = re.compile(r"the following files are missing: (.+)")
_TABLE = re.compile(r"""\btableName["']?\s*:\s*["'`]([\w-]+)["'`]""")
_FAILED = re.compile(r'^migration file "([^"]+)" failed', re.MULTILINE)


class Knex(JavaScript):
    """See ports.DatabaseTool. A revision is a file's name. All pending migrations are one batch, and one transaction
    unless a migration disables it."""

    tool = "knex"

    def _history_tables(self) -> Collection[str]:
        """Each literal `tableName` in the text of the knexfile; if there is none, the default."""
        names = _TABLE.findall(self._call("cat knexfile.* 2>/dev/null")[1]) or ["knex_migrations"]
        return [*names, *(f"{name}_lock" for name in names)]

    def _applied(self) -> Sequence[str]:
        code, output = self._call("knex migrate:list")
        if missing := _MISSING.search(output):
            raise MigrationFailed(
                f"the database has {missing[1]} applied, which the image lacks",
                hint="a newer or different release migrated this database: deploy one that has it",
            )
        if code:
            raise self._broken(code, output)
        state: dict[str, list[str]] = {"Completed": [], "Pending": []}
        part: list[str] = []
        for line in output.splitlines():
            if headline := _HEADLINE.match(line):
                part = state[headline[2]]
            elif line.strip():
                part.append(line.split()[0])
        self._refuse_other_folder(state["Pending"])
        return [name for name in state["Completed"] if name]

    def _apply(self, names: Sequence[str], all_pending: bool) -> tuple[int, str]:
        if all_pending:
            return self._call('knex migrate:latest && printf "applied %s\\n" "$@"', *names)
        return self._call('for name; do knex migrate:up "$name" || exit; done', *names)

    def _revert(self, names: Sequence[str]) -> tuple[int, str]:
        return self._call('for name; do knex migrate:down "$name" || exit; done', *names)

    def _culprit(self, output: str) -> str | None:
        match = _FAILED.search(output)
        return match[1] if match else None
