"""What the reader of each layout returns, and what they share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from shipway.domain.value import dataclass
from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.migration import Migration, Skipped, SqlFile

Entry = Migration | Skipped


@dataclass(frozen=True)
class Reading:
    """Migrations, and what can't be verified, in the order in which the tool applies them."""

    entries: tuple[Entry, ...]
    used: frozenset[str] = frozenset()  # further files that the tool reads, such as settings


@dataclass(frozen=True)
class Layout:
    """The layout of one tool. `fits`: whether files are marked or named as only this tool's are."""

    fits: Callable[[Files], bool]
    read: Callable[[Files], Reading]


@dataclass(frozen=True)
class Named:
    """A file whose name says its version and direction."""

    file: str
    version: str
    name: str
    direction: str = "up"


def match_all(pattern: re.Pattern[str], files: Iterable[str]) -> list[tuple[str, re.Match[str]]]:
    return [(name, found) for name in files if (found := pattern.fullmatch(name))]


def attempt(version: str, file: str, make: Callable[[], Entry]) -> Entry:
    """The migration, or why its files can't be read."""
    try:
        return make()
    except Unreadable as error:
        return Skipped(version, file, error.reason if error.path == file else f"{error.path} {error.reason}")


def pair(
    files: Files, found: Iterable[Named], key: Callable[[str], object],
    *, alone: Callable[[str, str], bool] = lambda file, text: False, remedy: str = "",
) -> Reading:  # fmt: skip
    """Up and down files of the same version, sorted by the `key` of their version. A version that is used twice can't be
    verified: no tool accepts it. alone: whether a file (name, text) runs without a transaction."""
    groups: dict[object, list[Named]] = {}
    for item in found:
        groups.setdefault(key(item.version), []).append(item)
    entries: list[Entry] = []
    used: set[str] = set()
    for _, group in sorted(groups.items(), key=lambda item: item[0]):  # type: ignore[arg-type, return-value]
        entries += _paired(files, group, alone, remedy)
        used.update(files.names[item.file] for item in group)
    return Reading(tuple(entries), frozenset(used))


def _paired(files: Files, group: Sequence[Named], alone: Callable[[str, str], bool], remedy: str) -> list[Entry]:
    ups = [item for item in group if item.direction == "up"]
    downs = [item for item in group if item.direction != "up"]
    if not ups:
        return [Skipped(item.version, files.names[item.file], "has no up migration") for item in downs]
    if len(ups) > 1 or len(downs) > 1:
        names = {item.name for item in ups}
        rows = [*ups, *(item for item in downs if len(ups) == 1 or item.name not in names)]
        return [_repeated(files, item, rows if len(rows) > 1 else [*ups, *downs]) for item in rows]
    up, down = ups[0], downs[0] if downs else None

    def script(item: Named) -> SqlFile:
        return files.script(item.file, alone=alone(item.file, files.text(item.file)))

    def make() -> Migration:
        return Migration(up.version, up.name, script(up), script(down) if down else None, remedy)

    return [attempt(up.version, files.names[up.file], make)]


def _repeated(files: Files, item: Named, group: Sequence[Named]) -> Skipped:
    others = ", ".join(files.names[other.file] for other in group if other is not item)
    return Skipped(item.version, files.names[item.file], f"has the same version as {others}: the tool accepts neither")


def unique(entries: Iterable[Entry]) -> list[Entry]:
    """Without migrations whose version another one has too: a proof names them by their version."""
    entries = list(entries)
    paths: dict[str, list[str]] = {}
    for entry in entries:
        if isinstance(entry, Migration):
            paths.setdefault(entry.version, []).append(entry.up.path)
    found: list[Entry] = []
    for entry in entries:
        if isinstance(entry, Migration) and len(paths[entry.version]) > 1:
            others = ", ".join(path for path in paths[entry.version] if path != entry.up.path) or entry.up.path
            entry = Skipped(entry.version, entry.up.path, f"has the same version as {others}: the tool accepts neither")
        found.append(entry)
    return found


def short_versions(names: Iterable[str]) -> dict[str, str]:
    """Names by the number that they begin with, where it is unique; else by the whole name."""
    found = {name: match[0] if (match := re.match(r"[0-9]+", name)) else name for name in names}
    uses = Counter(map(_number, found.values()))
    return {name: value if uses[_number(value)] == 1 else name for name, value in found.items()}


def _number(text: str) -> str:
    return text.lstrip("0") or "0"


def language(file: str) -> str:
    """The language of a migration that isn't SQL; empty if it is none."""
    return _LANGUAGES.get(file.rpartition(".")[2], "") if not file.endswith(".d.ts") else ""


_LANGUAGES = {
    "rb": "Ruby", "js": "JavaScript", "cjs": "JavaScript", "mjs": "JavaScript", "ts": "TypeScript", "cts": "TypeScript",
    "mts": "TypeScript", "go": "Go", "java": "Java", "kt": "Kotlin", "py": "Python", "php": "PHP", "exs": "Elixir",
    "cs": "C#", "xml": "XML", "sh": "Shell", "ps1": "PowerShell", "bat": "a batch file", "clj": "Clojure", "edn": "EDN",
}  # fmt: skip
