"""Parse the output of alembic's commands, which a project's own env.py and logging may add to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from shipway.domain.value import dataclass

_SECTION = re.compile(r"shipway-(history|current|files|sql|own):[ ]?(.*)")
_HEAD = re.compile(r"(?P<id>\S+)(?: \([^()]*\))* \((?:effective )?head\)")
_HISTORY = re.compile(
    r"(?P<parents><base>|\S+(?:, \S+)*?)(?: \((?P<depends>[^()]*)\))? -> (?P<id>\S+?)(?P<marks>(?: \([^()]*\))*), ?.*"
)
_CURRENT = re.compile(r"(?P<id>\S+)(?: \([^()]*\))*")
_UNKNOWN = re.compile(r"Can't locate revision identified by '([^']+)'")
_RUNNING = re.compile(r"Running (upgrade|downgrade) (.*?) -> (.*?)(?:, .*)?$")
_FRAME = re.compile(r'File "([^"]+)", line \d+, in (?:upgrade|downgrade)$')
_NOISE = re.compile(r"\(Background on this error at: |(INFO|DEBUG) +\[")
_TAIL = 8


@dataclass(frozen=True)
class Script:
    """One migration script of the image."""

    id: str
    parents: tuple[str, ...]
    depends: tuple[str, ...]
    head: bool


@dataclass(frozen=True)
class State:
    """The scripts of the image, newest first, and the rows of the database's version table."""

    scripts: dict[str, Script]
    rows: tuple[str, ...]

    def heads(self) -> list[str]:
        """Several heads mean that the project needs a merge."""
        return [script.id for script in self.scripts.values() if script.head]

    def below(self, ids: Iterable[str]) -> set[str]:
        """These revisions and everything that they depend on."""
        found: set[str] = set()
        todo = [name for name in ids if name in self.scripts]
        while todo:
            script = self.scripts[todo.pop()]
            if script.id not in found:
                found.add(script.id)
                todo += [name for name in (*script.parents, *script.depends) if name in self.scripts]
        return found

    def tips(self) -> list[str]:
        """The rows that no other row depends on: the current revisions. Several: inside unmerged branches."""
        return [row for row in self.rows if not any(row in self.below([other]) for other in self.rows if other != row)]

    def pending(self, head: str) -> list[str]:
        """Revisions leading to `head` that aren't applied, oldest first."""
        missing = self.below([head]) - self.below(self.rows)
        return [name for name in reversed(self.scripts) if name in missing]

    def downgrade_targets(self, to: str) -> list[str]:
        """Arguments of successive `alembic downgrade` calls after which exactly `to` and its dependencies are applied.

        `downgrade to` alone keeps branches that were merged after `to`; each of their scripts is then reverted
        separately (`script@parent`).
        """
        keep = self.below([to])
        leftover = {name for name in self.below(self.rows) - keep if to not in self.below([name])}
        branches = [script for script in self.scripts.values() if script.id in leftover]
        return [to] + [below_script(script) for script in branches]


def below_script(script: Script) -> str:
    """The argument of `alembic downgrade` that reverts this script, but none of other branches."""
    return f"{script.id}@{script.parents[0] if script.parents else 'base'}"


def section(output: str, name: str) -> tuple[int | None, list[str]]:
    """Exit code and lines of one marked command (see alembic.SCRIPT); the code is None if it never ended."""
    found = (_SECTION.fullmatch(line.rstrip()) for line in output.splitlines())
    lines = [match[2] for match in found if match and match[1] == name]
    if lines and (code := re.fullmatch(r"exit (\d+)", lines[-1])):
        return int(code[1]), lines[:-1]
    return None, lines


def version_tables(output: str) -> frozenset[str]:
    """The tables with the applied revisions, without their schemas; empty if env.py didn't run."""
    return frozenset(name.rpartition(".")[2] for name in section(output, "own")[1])


def plain(output: str) -> list[str]:
    """The lines outside of marked commands."""
    return [line.rstrip() for line in output.splitlines() if not _SECTION.fullmatch(line.rstrip())]


def heads(lines: Iterable[str]) -> list[str]:
    """Parse `alembic heads`."""
    return [match["id"] for line in lines if (match := _HEAD.fullmatch(line.strip()))]


def history(lines: Iterable[str]) -> dict[str, Script]:
    """Parse `alembic history`, newest first. Skips continuation lines of messages."""
    scripts: dict[str, Script] = {}
    for line in lines:
        if match := _HISTORY.fullmatch(line.strip()):
            parents = () if match["parents"] == "<base>" else tuple(match["parents"].split(", "))
            depends = tuple(match["depends"].split(", ")) if match["depends"] else ()
            head = "(head)" in match["marks"] or "(effective head)" in match["marks"]
            scripts.setdefault(match["id"], Script(match["id"], parents, depends, head))
    return scripts


def current(lines: Iterable[str], scripts: Mapping[str, Script]) -> tuple[str, ...]:
    """Parse `alembic current`. It fails if the database has a row that the image doesn't know, so all other unknown
    lines are the project's own output."""
    matches = (_CURRENT.fullmatch(line.strip()) for line in lines)
    return tuple(dict.fromkeys(match["id"] for match in matches if match and match["id"] in scripts))


def unknown_revision(output: str) -> str | None:
    """The revision that alembic was asked for or found in the database, but has no script of."""
    match = _UNKNOWN.search(output)
    return match[1] if match else None


def culprit(lines: Iterable[str]) -> str | None:
    """The migration that ran last: from alembic's log, or without logging from the file in the traceback."""
    logged = frame = None
    for line in lines:
        if running := _RUNNING.search(line):
            logged = running[3] if running[1] == "upgrade" else running[2]
        elif (match := _FRAME.search(line)) and not match[1].endswith("alembic/command.py"):
            frame = match[1].rpartition("/")[2]
    return logged or frame


def reason(lines: Iterable[str]) -> str:
    """The relevant part of a failed command's output: alembic's error, else the last lines."""
    useful = [line for line in lines if line.strip() and not _NOISE.match(line)]
    for line in reversed(useful):
        if line.startswith("FAILED: "):
            return line.removeprefix("FAILED: ")
    start = 0
    for at, line in enumerate(useful):  # the traceback, with its indented source lines, is only passed to on_line
        if line.startswith("  File ") or (at == start and line.startswith("    ")):
            start = at + 1
    return "\n".join(useful[start:][-_TAIL:]) or "it printed nothing"
