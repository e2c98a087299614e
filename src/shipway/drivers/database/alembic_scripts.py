"""Analyze Alembic's migration scripts without running them: whether they have a down migration, and its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from shipway.domain.value import dataclass

_MARKED = re.compile(r"shipway-(files|sql): ?(.*)")
_RUNNING = re.compile(r"-- Running downgrade (\S+) -> ")


@dataclass(frozen=True)
class ScriptFile:
    """The file of one revision."""

    path: str
    text: str

    def lacks_down(self) -> bool:
        """Whether its upgrade does something, but its downgrade nothing, or only raises. Unparseable scripts count as
        reversible: running them shows the rest."""
        try:
            found = {node.name: node.body for node in ast.parse(self.text).body if isinstance(node, ast.FunctionDef)}
        except (SyntaxError, ValueError):
            return False
        if "upgrade" not in found or not _statements(found["upgrade"]):
            return False
        down = _statements(found.get("downgrade", []))
        return not down or isinstance(down[0], ast.Raise)


def files(output: str) -> dict[str, ScriptFile]:
    """Files by revision, from the output of `alembic.SCRIPT`."""
    found: dict[str, ScriptFile] = {}
    revision = path = ""
    lines: list[str] = []
    for line in [*_marked(output, "files"), "Rev: "]:
        if line.startswith("|"):
            lines.append(line[1:])
        elif line.startswith("Rev: "):
            if path and lines:
                found[revision] = ScriptFile(path, "\n".join(lines) + "\n")
            revision, path, lines = line[5:].partition(" ")[0], "", []
        elif line.startswith("Path: "):
            path = line[6:]
    return found


def sql(output: str, revisions: Iterable[str]) -> str:
    """The statements of the downgrade; empty if they would revert other revisions than these."""
    lines = list(_marked(output, "sql"))
    reverted = {match[1] for line in lines if (match := _RUNNING.match(line))}
    if not reverted or reverted != set(revisions):
        return ""
    start = next(at for at, line in enumerate(lines) if line == "BEGIN;" or _RUNNING.match(line))
    return "\n".join(lines[start:]).strip() + "\n"  # a project's env.py may print before it


def _marked(output: str, name: str) -> Iterable[str]:
    found = (_MARKED.fullmatch(line.rstrip("\r")) for line in output.split("\n"))
    return (match[2] for match in found if match and match[1] == name)


def _statements(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    """The statements that do something."""

    def idle(node: ast.stmt) -> bool:
        constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        nothing = isinstance(node, ast.Return) and (node.value is None or isinstance(node.value, ast.Constant))
        return constant or nothing or isinstance(node, ast.Pass)

    return [node for node in body if not idle(node)]
