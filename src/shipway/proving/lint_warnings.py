"""Warnings about the statements of up migrations, as logged by the server, whatever tool sent them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from shipway.domain.errors import ProofError
from shipway.domain.migration_tables import is_migration_table
from shipway.ports import Linter
from shipway.proving.server import Entry

WIDTH = 80  # characters of a statement
_RAN = re.compile(r"(?:statement|execute [^:]*): +(.*)", re.DOTALL)
_REMARK = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_CHANGES = re.compile(
    r"(?:WITH\b.*?\b)?(?:UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?((?:\w+|\"[^\"]+\")(?:\.(?:\w+|\"[^\"]+\"))?)",
    re.DOTALL | re.IGNORECASE,
)


def statements(log: Sequence[Entry]) -> list[str]:
    """Statements of the server's log that changed the schema, or rows if those are logged."""
    found = (_RAN.fullmatch(entry.text) for entry in log if entry.level == "LOG")
    return [match[1].strip() for match in found if match]


def changed(ran: Sequence[str]) -> list[str]:
    """Tables, as written, whose rows the statements could change or delete, without migration history tables. Functions
    and DO blocks are not analyzed."""
    found: list[str] = []
    for statement in ran:
        for part in _REMARK.sub(" ", statement).split(";"):
            match = _CHANGES.match(part.strip())
            if match and not is_migration_table(match[1]):
                found.append(match[1])
    return list(dict.fromkeys(found))


def lint_warnings(linter: Linter, ran: Sequence[str]) -> tuple[str, ...]:
    """The linter's warnings, each with its statement. The statements are linted as one script, since rules for existing
    tables don't apply to those just created."""
    script, begins = "", []
    for statement in ran:
        begins.append(script.count("\n") + 1)
        script += f"{statement.removesuffix(';')}\n;\n"  # a last line may be a comment
    try:
        found = linter.lint({"up": script}).get("up", ()) if ran else ()
    except ProofError as error:
        return (f"{error.message}: {error.hint}" if error.hint else error.message,)
    return tuple(f"{_short(ran[bisect_right(begins, line) - 1])}: {words}" for line, words in found)


def _short(statement: str) -> str:
    words = " ".join(statement.split())
    return words if len(words) <= WIDTH else f"{words[:WIDTH]} …"
