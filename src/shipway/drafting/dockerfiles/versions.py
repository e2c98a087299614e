"""The version of a language that a repository asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shipway.domain.value import dataclass
from shipway.drafting.dockerfiles.sources import Sources, get

Numbers = tuple[int, ...]

PYTHONS: Sequence[Numbers] = [(3, minor) for minor in range(8, 15)]
NODES: Sequence[Numbers] = [(major,) for major in range(16, 27)]
PHPS: Sequence[Numbers] = [(8, minor) for minor in range(1, 5)]
PYTHON, NODE, PHP, RUBY, GO = (3, 12), (22,), (8, 3), "3.3", "1.24"  # where a repository names none
_LTS = {"iron": 20, "jod": 22, "krypton": 24}
_COMPARATOR = re.compile(r"(\^|~=|~>|~|>=|<=|={1,3}|!=|>|<)?\s*v?(\d+(?:\.\d+)*)(?:\.[x*])*")


@dataclass(frozen=True)
class Version:
    """What an image's tag begins with, and the fact's source as a comment."""

    text: str
    source: str


def choose(wanted: str, known: Sequence[Numbers], usual: Numbers) -> Numbers | None:
    """The usual version if the range allows it, else the closest one; None if it allows none."""
    allowed = [version for version in known if _allows(wanted, version)]
    below = [version for version in allowed if version <= usual]
    return max(below) if below else min(allowed, default=None)


def _allows(wanted: str, version: Numbers) -> bool:
    """Ranges as in requires-python, engines and composer.json: `>=3.11,<4`, `^20 || 22`, `18 - 20`."""
    wanted = re.sub(r"(\d[\w.]*)\s+-\s+(\d)", r">=\1 <=\2", wanted)
    for choice in wanted.split("||"):
        found = _COMPARATOR.findall(choice)
        if all(_compares(sign, tuple(int(part) for part in text.split(".")), version) for sign, text in found):
            return True
    return False


def _compares(sign: str, wanted: Numbers, version: Numbers) -> bool:
    """A version of an image stands for the latest of its patches."""
    size = len(version)
    short = wanted[:size]
    match sign:
        case ">=":
            return version >= short
        case ">":
            return version >= short if len(wanted) > size else version[: len(short)] > short
        case "<=":
            return version[: len(short)] <= short
        case "<":
            return version < short
        case "!=":
            return len(wanted) > size or version[: len(short)] != short
        case "^":
            return version[0] == wanted[0] and version >= short
        case "~=" | "~>":
            return version[: max(1, len(wanted) - 1)] == short[: max(1, len(wanted) - 1)] and version >= short
        case _:  # ~ or none: the same version, as far as both are given
            return version[: len(short)] == short


def python(sources: Sources) -> Version:
    for name, pattern in (
        (".python-version", r"^\s*(3\.\d+)"),
        ("runtime.txt", r"^python-(3\.\d+)"),
        (".tool-versions", r"^python\s+(3\.\d+)"),
    ):
        found = _in_file(sources, name, pattern)
        if found:
            return found
    ranges = (
        ("requires-python in pyproject.toml", get(sources.pyproject, "project", "requires-python")),
        ("python in pyproject.toml", get(sources.pyproject, "tool", "poetry", "dependencies", "python")),
    )
    return _in_range(ranges, PYTHONS, PYTHON, "add .python-version to choose another")


def node(sources: Sources) -> Version:
    for name in (".nvmrc", ".node-version", ".tool-versions"):
        prefix = r"^nodejs\s+" if name == ".tool-versions" else r"^\s*v?"
        found = _in_file(sources, name, prefix + r"(\d+)\b")
        if found:
            return found
        text, shown = sources.above(name)
        named = re.match(r"\s*lts/(\w+)", text)
        if named and named[1].lower() in _LTS:
            return Version(str(_LTS[named[1].lower()]), shown)
    ranges = (
        ("volta in package.json", get(sources.package, "volta", "node")),
        ("engines in package.json", get(sources.package, "engines", "node")),
    )
    return _in_range(ranges, NODES, NODE, "add .nvmrc to choose another")


def php(sources: Sources) -> Version:
    ranges = (
        ("config.platform in composer.json", get(sources.composer, "config", "platform", "php")),
        ("require in composer.json", get(sources.composer, "require", "php")),
    )
    return _in_range(ranges, PHPS, PHP, "require `php` in composer.json to choose another")


def ruby(sources: Sources) -> Version:
    """With its patch: Bundler requires the Gemfile's exactly."""
    for name, pattern in (
        (".ruby-version", r"^\s*(?:ruby-)?(\d+\.\d+(?:\.\d+)?)"),
        (".tool-versions", r"^ruby\s+(\d+\.\d+(?:\.\d+)?)"),
        ("Gemfile", r"""^\s*ruby\s+["'](\d+\.\d+(?:\.\d+)?)["']"""),
    ):
        found = _in_file(sources, name, pattern)
        if found:
            return found
    return Version(RUBY, "the usual version: add .ruby-version to choose another")


def go(sources: Sources) -> Version:
    text = sources.text("go.mod")
    chain = re.search(r"^toolchain\s+go(\d+\.\d+)", text, re.MULTILINE)
    match = chain or re.search(r"^go\s+(\d+\.\d+)", text, re.MULTILINE)
    return Version(match[1], "go.mod") if match else Version(GO, "the usual version, since go.mod names none")


def _in_file(sources: Sources, name: str, pattern: str) -> Version | None:
    text, shown = sources.above(name)
    match = re.search(pattern, text, re.MULTILINE)
    return Version(match[1], shown) if match else None


def _in_range(ranges: Sequence[tuple[str, object]], known: Sequence[Numbers], usual: Numbers, hint: str) -> Version:
    for source, wanted in ranges:
        if isinstance(wanted, str) and wanted:
            found = choose(wanted, known, usual)
            if found:
                return Version(_dotted(found), source)
    return Version(_dotted(usual), f"the usual version: {hint}")


def _dotted(numbers: Numbers) -> str:
    return ".".join(map(str, numbers))
