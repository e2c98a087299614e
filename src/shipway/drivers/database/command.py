"""Any tool with a command line: the plan defines the commands, which run in the release's image by `sh -c`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence

from shipway.domain.errors import MigrationFailed
from shipway.domain.own_tables import OwnTablesCache
from shipway.domain.plan import DatabaseCommands
from shipway.drivers.database.named import Named, reason
from shipway.drivers.migration_tables import MIGRATION_TABLES
from shipway.ports import OneOff

# Arguments: the folder, and pairs of a mark and a command. Each line of a command's standard output gets its mark.
SCRIPT = r"""
cd "$1" || exit
shift
while [ $# -gt 0 ]; do
  output=$(sh -c "$2") || { code=$?; printf '%s\n' "$output"; exit $code; }
  printf '%s\n' "$output" | sed "s/^/shipway-$1: /"
  shift 2
done
"""


class Command(Named):
    """See ports.DatabaseTool. A revision is a line printed by the command `list`. Down migrations are only known if the
    plan has the command `script`."""

    def __init__(self, run: OneOff, commands: DatabaseCommands, folder: str | None = None) -> None:
        self._run = run
        self._commands = commands
        self._folder = folder or "."
        self._cache = OwnTablesCache()
        self._listed: list[str] | None = None

    def _history_tables(self) -> Collection[str]:
        """The tool is unknown: those of every known one."""
        return MIGRATION_TABLES

    def _available(self) -> Sequence[str]:
        if self._listed is None:
            self._listed = self._ask({"list": self._commands.list})["list"]
        return self._listed

    def _applied(self) -> Collection[str]:
        """If a tool prints only the newest migration, all earlier ones are applied too."""
        found = [
            line for line in self._ask({"current": self._commands.current})["current"] if line != self._commands.base
        ]
        available = list(self._available())
        if len(found) == 1 and found[0] in available:
            return available[: available.index(found[0]) + 1]
        return found

    def _apply(self, names: Sequence[str], all_pending: bool) -> tuple[int, str]:
        if "{to}" not in self._commands.up and not all_pending:
            raise MigrationFailed(
                f"can't migrate up to {names[-1]} only: the plan's command `up` always applies all",
                hint="write `{to}` into the command where the tool takes a revision",
            )
        return self._shell(_filled(self._commands.up, names[-1]))

    def _revert(self, names: Sequence[str]) -> tuple[int, str]:
        if "{to}" not in self._commands.down:  # it reverts the newest one
            return self._shell(" && ".join(f"{{ {self._commands.down}\n}}" for _ in names))
        available = list(self._available())
        at = available.index(names[-1])
        return self._shell(_filled(self._commands.down, available[at - 1] if at else self._commands.base))

    def _down_migrations(self, names: Sequence[str]) -> Mapping[str, tuple[str, str] | None]:
        script = self._commands.script
        if script is None or not names:
            return {}
        found = self._ask({str(at): _filled(script, name) for at, name in enumerate(names)}, blank=True)
        texts = {name: "\n".join(found[str(at)]).strip() for at, name in enumerate(names)}
        return {name: (f"{name}.down", text + "\n") if text else None for name, text in texts.items()}

    def _ask(self, commands: Mapping[str, str], *, blank: bool = False) -> dict[str, list[str]]:
        """The lines printed by each command, in one container. `blank`: keep empty lines and surrounding blanks."""
        pairs = [part for pair in commands.items() for part in pair]
        code, output = self._run(["sh", "-c", SCRIPT, "shipway", self._folder, *pairs])
        if code:
            raise MigrationFailed(
                f"the plan's command failed with exit code {code}: {' ; '.join(commands.values())}\n{reason(output.splitlines())}",
                hint="check `database: {commands: …}` in the plan, and that the database is reachable",
            )
        found: dict[str, list[str]] = {mark: [] for mark in commands}
        for line in output.splitlines():
            mark, colon, text = line.removeprefix("shipway-").partition(": ")
            if colon and line.startswith("shipway-") and mark in found and (blank or text.strip()):
                found[mark].append(text if blank else text.strip())
        return found

    def _shell(self, command: str) -> tuple[int, str]:
        return self._run(["sh", "-c", 'cd "$1" || exit; eval "$2"', "shipway", self._folder, command])


def _filled(command: str, to: str) -> str:
    return command.replace("{to}", shlex.quote(to) if to else "")
