"""The annotated reference plan: one file per section, together one valid plan with every key.

The comment behind a key, or the lines right above it, describe it in docs/plan.md, in the JSON Schema, and in the plan
that `shipway init` writes.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path as File

from shipway.planfile.document import compose
from shipway.planfile.report import Path, Report
from shipway.planfile.sections import PLAN

# A key that excludes another one is a comment in the reference: `# key: value  # description`; or `# key:`, with keys below it.
_ALTERNATIVE = re.compile(r"^( *)# ( *[a-z_]+:(?:(?: \S+)?  # |$))", re.MULTILINE)


def section(name: str) -> str:
    """Text of one section."""
    return File(__file__).with_name(f"{name}.yml").read_text(encoding="utf-8")


def prose(name: str) -> str:
    """A section's description: the comment at its head, as running text."""
    head = section(name).partition("\n\n")[0]
    return " ".join(line.removeprefix("# ") for line in head.splitlines())


def body(name: str) -> str:
    """A section without its head."""
    return section(name).partition("\n\n")[2]


def text() -> str:
    """All sections, in the order of the table."""
    return "\n".join(section(name) for name in PLAN.fields)


def describe(path: Path) -> str:
    """The reference's description of a key; `*` in the path matches any name. Empty if there is none."""
    if len(path) == 1:
        return prose(str(path[0]))
    exact = (words for known, words in _descriptions() if _matches(known, path))
    # `build`, `image` and `health` mean the same everywhere, and are described only once.
    end = 3 if path[-2] == "*" else 2
    alike = (words for known, words in _descriptions() if len(path) > 3 and _matches(known[-end:], path[-end:]))
    return next(exact, "") or next(alike, "")


@cache
def _descriptions() -> list[tuple[Path, str]]:
    whole = _ALTERNATIVE.sub(r"\1\2", text())
    report = Report("reference")
    root = compose(whole)
    report.place((), root)
    PLAN.read(root, (), report)
    lines = whole.splitlines()
    # For lists, only their items count, not the positions.
    found = [
        (tuple(part for part in path if isinstance(part, str)), _comment(lines, mark.line - 1))
        for path, mark in report.keys.items()
    ]
    return [(path, words) for path, words in found if words]


def _comment(lines: list[str], index: int) -> str:
    """The comment on the line, else the comment block right above it."""
    behind = lines[index].partition("  # ")[2]
    if behind:
        return behind
    above: list[str] = []
    while index and lines[index - 1].lstrip().startswith("# "):
        index -= 1
        above.insert(0, lines[index].strip()[2:])
    return " ".join(above)


def _matches(known: Path, wanted: Path) -> bool:
    return len(known) == len(wanted) and all(b in ("*", a) for a, b in zip(known, wanted, strict=True))
