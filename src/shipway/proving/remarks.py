"""What the statements tell that a way up ran: those that the server saw, whatever tool sent them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from shipway.domain.books import is_book
from shipway.domain.errors import ProofError
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
    """Those that changed a schema, or rows where these are logged, as the server's log has them."""
    found = (_RAN.fullmatch(entry.text) for entry in log if entry.level == "LOG")
    return [match[1].strip() for match in found if match]


def changed(ran: Sequence[str]) -> list[str]:
    """Tables whose rows statements would change or take away, were there any, as they are written; tools' books apart.
    What functions and DO blocks do is not seen."""
    found: list[str] = []
    for statement in ran:
        for part in _REMARK.sub(" ", statement).split(";"):
            match = _CHANGES.match(part.strip())
            if match and not is_book(match[1]):
                found.append(match[1])
    return list(dict.fromkeys(found))


def remarks(linter: Linter, ran: Sequence[str]) -> tuple[str, ...]:
    """Its warnings, each with the statement that it is about. They are read as one script: what holds for a table that
    stands there already does not for one that was made just before."""
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
