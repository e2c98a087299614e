"""Collects the problems of one file, and the position of each key and value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable
from typing import Any

from shipway.planfile.bounds import PROBLEMS
from shipway.planfile.document import Entries, Node, Scalar
from shipway.planfile.problem import DOCUMENTATION, ERROR, WARNING, Mark, Problem

Path = tuple[str | int, ...]  # keys from the root; a number is the index of a list item
_TYPED = re.compile(r"[-+.\d]*|true|false|null|~")  # is only a string when quoted
INVALID: Any = object()  # returned for a value that was reported


class Report:
    """Problems are added by path, which determines their position in the file."""

    def __init__(self, file: str, sections: Container[str] = ()) -> None:
        self.file = file
        self.sections = sections  # keys of the root: each has a heading in the documentation
        self.keys: dict[Path, Mark] = {}
        self._places: dict[Path, Mark] = {(): Mark(1, 1)}
        self._nodes: dict[Path, Node] = {}
        self._failed: set[Path] = set()
        self._problems: dict[Problem, None] = {}
        self._more = 0  # counted, but not listed

    def place(self, path: Path, node: Node, key: Mark | None = None) -> None:
        """Record the position of `path`: a single value's own, else its key's."""
        self._nodes[path] = node
        by_itself = isinstance(node, Scalar) and node.type != "nothing"
        self._places[path] = node.mark if key is None or by_itself else key
        if key is not None:
            self.keys[path] = key

    def written(self, path: Path) -> bool:
        """Whether the file has this key, even with an invalid value."""
        return path in self._places

    def failed(self, path: Path) -> bool:
        """Whether the value at `path` was reported: then nothing can be concluded from it."""
        return path in self._failed

    def names(self, path: Path) -> list[str]:
        """Keys of the mapping at `path`, including those with an invalid value."""
        node = self._nodes.get(path)
        return [key.text for key, _ in node.pairs] if isinstance(node, Entries) else []

    def error(self, path: Path, message: str, expected: str = "", mark: Mark | None = None) -> None:
        self._failed.add(path)
        self._add(ERROR, path, message, expected, mark)

    def warn(self, path: Path, message: str, expected: str = "") -> None:
        self._add(WARNING, path, message, expected, None)

    def misfit(self, path: Path, node: Node, expected: str) -> Any:
        """Report a value of the wrong kind; returns INVALID."""
        self.error(path, f"can't be {shown(node)}", expected)
        return INVALID

    def problems(self) -> list[Problem]:
        """All problems in the order of the file, errors before warnings at the same position."""
        more = self._more and [
            Problem(ERROR, self.file, 1, 1, "", f"there are {self._more} more problems, which are not listed")
        ]
        return [
            *sorted(self._problems, key=lambda problem: (problem.line, problem.column, problem.severity, problem.path)),
            *(more or ()),
        ]

    def _add(self, severity: str, path: Path, message: str, expected: str, mark: Mark | None) -> None:
        known = path
        while known not in self._places:
            known = known[:-1]
        at = mark or self._places[known]
        where = printable(".".join(part for part in (path if mark else known) if isinstance(part, str)))
        doc = f"{DOCUMENTATION}#{known[0]}" if known and known[0] in self.sections else DOCUMENTATION
        problem = Problem(
            severity, self.file, at.line, at.column, where, printable(message), printable(expected, 1500), doc
        )
        if len(self._problems) < PROBLEMS or problem in self._problems:  # an alias repeats the same position
            self._problems[problem] = None
        elif severity == ERROR:
            self._more += 1


def shown(node: Node) -> str:
    """A value as shown in messages."""
    if isinstance(node, Scalar):
        if node.type == "nothing" or not node.text.strip():
            return "empty"
        start = node.text[:61]
        text = f'"{start}"' if node.type == "text" and _TYPED.fullmatch(start) else start
        return printable(f"`{text if len(text) <= 60 else text[:57] + '…'}`".replace("\n", " "))
    return "a mapping" if isinstance(node, Entries) else "a list"


def printable(text: str, most: int = 300) -> str:
    """User text as shown in messages: on one line, truncated, without control characters."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(
        char if char.isprintable() else " " if char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in cut
    )


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant: similar in spelling, or one is a prefix of the other."""
    names = list(candidates)
    plain = {name.lower().replace("-", "_"): name for name in names}
    wanted = word.lower().replace("-", "_")
    close = difflib.get_close_matches(wanted, plain, n=1, cutoff=0.65)
    if close:
        return plain[close[0]]
    starts = [name for key, name in plain.items() if min(len(key), len(wanted)) >= 3 and _begins(key, wanted)]
    return starts[0] if len(starts) == 1 else None


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`; did you mean `x`?` or nothing."""
    guess = nearest(word, candidates)
    return f"; did you mean `{guess}`?" if guess and guess != word else ""
