"""Sequelize's command line, run inside the release's image: the project's own version."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from shipway.drivers.database.javascript import JavaScript

CONFIGURED = r"""
find . -xdev -name node_modules -prune -o -type f \( -name '*.[cm]js' -o -name '*.js' -o -name '*.json' -o -name '*.ts' \) \
  -exec grep -ho "migrationStorageTableName[^,}]*" {} +
"""
_STATUS = re.compile(r"(up|down) (\S.*)")
_TABLE = re.compile(r"""\bmigrationStorageTableName["']?\s*:\s*["'`]([\w-]+)["'`]""")
_RUNNING = re.compile(r"^== (\S+): (?:migrating|reverting) =", re.MULTILINE)


class Sequelize(JavaScript):
    """See ports.DatabaseTool. A revision is a file's name. A failed migration stays half applied, unless it opens a
    transaction itself."""

    tool = "sequelize-cli"

    def _history_tables(self) -> Collection[str]:
        """Each literal `migrationStorageTableName` in the text of the project's files, wherever its configuration is; if
        there is none, the default."""
        return _TABLE.findall(self._call(CONFIGURED)[1]) or ["SequelizeMeta"]

    def _applied(self) -> Sequence[str]:
        code, output = self._call("sequelize-cli db:migrate:status")
        if code:
            raise self._broken(code, output)
        found = (_STATUS.fullmatch(line.strip()) for line in output.splitlines())
        state = {match[2]: match[1] for match in found if match}
        self._refuse_other_folder(name for name, status in state.items() if status == "down")
        return [name for name, status in state.items() if status == "up"]

    def _apply(self, names: Sequence[str], all_pending: bool) -> tuple[int, str]:
        return self._call('sequelize-cli db:migrate --to "$1"', names[-1])

    def _revert(self, names: Sequence[str]) -> tuple[int, str]:
        return self._call('sequelize-cli db:migrate:undo:all --to "$1"', names[-1])  # including that one

    def _culprit(self, output: str) -> str | None:
        running = next(reversed(_RUNNING.findall(output)), None)
        return next((name for name in self._available() if running and name.startswith(f"{running}.")), running)
