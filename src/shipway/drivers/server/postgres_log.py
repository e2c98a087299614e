"""The log of a scratch server: statements that changed something, and errors of code on the schema of another release."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from shipway.domain.server_log import Mismatch, ServerLog
from shipway.domain.value import dataclass
from shipway.drivers.server.changed_tables import changed

PREFIX = "%e %p %d %h "  # log_line_prefix
# A line of the log: SQLSTATE, process, database, address of the client, level, text. Continuation lines start with a tab.
_LINE = re.compile(r"([0-9A-Z]{5}) (\d+) (\S*) (\S*) ([A-Z]+): +(.*)")
# Schema-mismatch errors: a missing column or table, a missing required value, or a value of another type.
_MISMATCHES = ("42703", "42P01", "23502", "22P02")
_RAN = re.compile(r"(?:statement|execute [^:]*): +(.*)", re.DOTALL)


@dataclass(frozen=True)
class _Entry:
    state: str  # SQLSTATE
    session: int
    client: str  # address; empty on the server itself
    level: str  # ERROR, STATEMENT, NOTICE …
    text: str


def read(lines: Sequence[str], database: str) -> ServerLog:
    """The entries of a log about one database."""
    log = _entries(lines, database)
    found = (_RAN.fullmatch(entry.text) for entry in log if entry.level == "LOG")
    statements = tuple(match[1].strip() for match in found if match)
    return ServerLog(statements, changed(statements), tuple(_mismatches(log)))


def _entries(lines: Sequence[str], database: str) -> list[_Entry]:
    made: list[_Entry] = []
    ours = False  # whether the previous line is one of them, which this one may continue
    for line in lines:
        found = _LINE.match(line)
        if found:
            ours = found[3] == database
            if ours:
                made.append(_Entry(found[1], int(found[2]), found[4].replace("[local]", ""), found[5], found[6]))
        elif ours and line.startswith("\t"):
            made[-1] = dataclasses.replace(made[-1], text=f"{made[-1].text}\n{line[1:]}")
        else:
            ours = False
    return made


def _mismatches(log: Sequence[_Entry]) -> Iterator[Mismatch]:
    for index, entry in enumerate(log):
        if entry.state in _MISMATCHES and entry.level in ("ERROR", "FATAL"):
            follows = (item for item in log[index + 1 :] if item.session == entry.session)
            statement = next((item.text for item in follows if item.level == "STATEMENT"), "")
            yield Mismatch(entry.state, entry.text, statement, entry.client)
