"""References by name within a plan, and cycles of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shipway.planfile.report import Path, Report, did_you_mean


def known(report: Report, path: Path, name: str, section: str, word: str) -> bool:
    """Whether `section` has this name; else reports it at `path`. Blank names are already reported."""
    names = report.names((section,))
    if name in names or not name:
        return bool(name)
    listed = f"one of {', '.join(names)}" if names else f"a name under `{section}`, which has none yet"
    report.error(path, f"there is no {word} `{name}`{did_you_mean(name, names)}", listed)
    return False


def all_known(report: Report, path: Path, names: Iterable[str], section: str, word: str) -> None:
    """`known` for each item of the list at `path`."""
    for index, name in enumerate(names):
        item = (*path, index)
        known(report, item if report.written(item) else path, name, section, word)


def cycles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Each cycle once: [a, b] for a → b → a."""
    found: list[list[str]] = []
    finished: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append(trail[trail.index(name) :])
            return
        if name in finished:
            return
        for target in edges.get(name, ()):
            visit(target, [*trail, name])
        finished.add(name)

    for name in edges:
        visit(name, [])
    return found


def ring(names: list[str]) -> str:
    """`a → b → a`."""
    return " → ".join([*names, names[0]])
