"""Warnings about the statements of up migrations, as logged by the server, whatever tool sent them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from shipway.domain.errors import ProofError
from shipway.ports import Linter

WIDTH = 80  # characters of a statement


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
    return tuple(f"{_short(ran[bisect_right(begins, line) - 1])}: {message}" for line, message in found)


def _short(statement: str) -> str:
    text = " ".join(statement.split())
    return text if len(text) <= WIDTH else f"{text[:WIDTH]} …"
