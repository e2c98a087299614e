"""Reads a folder of plain SQL migrations: three usual layouts, told apart by the names of the files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipway.domain.errors import MigrationFailed

NO_TRANSACTION = "-- shipway: no-transaction"
LAYOUTS = {
    "0001_name.up.sql": re.compile(r"(?P<version>\d+)_(?P<name>[^/]+)\.(?P<way>up|down)\.sql"),
    "0001_name/up.sql": re.compile(r"(?P<version>\d[\d-]*)_(?P<name>[^/]+)/(?P<way>up|down)\.sql"),
    "V1__name.sql": re.compile(r"(?P<way>[VU])(?P<version>\d+(?:[._]\d+)*)__(?P<name>[^/]+)\.sql"),
}
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class SqlFile:
    """One file; `path` is below the folder."""

    path: str
    text: str

    @property
    def empty(self) -> bool:
        """Whether it has nothing but comments."""
        return not _COMMENT.sub("", self.text).strip()

    @property
    def transaction(self) -> bool:
        """Whether it may run in a transaction: some statements (CREATE INDEX CONCURRENTLY) can't."""
        return not self.text.lstrip().lower().startswith(NO_TRANSACTION)


@dataclass(frozen=True)
class Migration:
    """One version: its up file, and its down file where there is one."""

    version: str
    name: str
    up: SqlFile
    down: SqlFile | None

    @property
    def checksum(self) -> str:
        """SHA-256 of the up file."""
        return hashlib.sha256(self.up.text.encode()).hexdigest()


def order(version: str) -> tuple[int, ...]:
    """Sort key: versions are numbers, whatever they are padded with; 1.10 comes after 1.9, and 1.0 is 1."""
    numbers = [int(part) for part in re.split(r"[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def load(folder: str, files: Mapping[str, bytes]) -> list[Migration]:
    """The migrations of a folder in their order. All problems of the folder are reported together."""
    scripts = sorted(path for path in files if path.endswith(".sql"))
    layouts = [name for name, pattern in LAYOUTS.items() if any(pattern.fullmatch(path) for path in scripts)]
    if scripts and len(layouts) != 1:
        found = f"two layouts at once ({' and '.join(layouts)})" if layouts else f"no known layout: {_list(scripts)}"
        raise _bad(folder, [found])
    if not scripts:
        return []
    return _pair(folder, LAYOUTS[layouts[0]], {path: files[path] for path in scripts})


def _pair(folder: str, pattern: re.Pattern[str], files: Mapping[str, bytes]) -> list[Migration]:
    problems: list[str] = []
    ups: dict[tuple[int, ...], list[tuple[re.Match[str], SqlFile]]] = {}
    downs: dict[tuple[int, ...], list[SqlFile]] = {}
    for path, content in files.items():
        match = pattern.fullmatch(path)
        if match is None:
            problems.append(f"{path} doesn't fit the layout of the others")
            continue
        try:
            file = SqlFile(path, content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            problems.append(f"{path} is not UTF-8")
            continue
        key = order(match["version"].replace("-", ""))
        if match["way"] in ("up", "V"):
            ups.setdefault(key, []).append((match, file))
        else:
            downs.setdefault(key, []).append(file)
    for key in sorted({*ups, *downs}):
        own_ups, own_downs = [file for _, file in ups.get(key, [])], downs.get(key, [])
        if not own_ups:
            problems.append(f"{_list([file.path for file in own_downs])} has no up file")
        for same in (own_ups, own_downs):
            if len(same) > 1:
                problems.append(f"{_list([file.path for file in same])} have the same version")
    if problems:
        raise _bad(folder, problems)
    return [_migration(*ups[key][0], downs.get(key, [])) for key in sorted(ups)]


def _migration(match: re.Match[str], up: SqlFile, downs: Sequence[SqlFile]) -> Migration:
    version = match["version"].replace("-", "").replace("_", ".")
    return Migration(version, match["name"], up, downs[0] if downs else None)


def _list(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:5])
    return f"{shown} and {len(paths) - 5} more" if len(paths) > 5 else shown


def _bad(folder: str, problems: Sequence[str]) -> MigrationFailed:
    return MigrationFailed(
        "\n".join([f"the migrations in {folder} can't be read:", *problems]),
        hint=f"name all files of the folder after one layout ({', '.join(LAYOUTS)}), each version once",
    )
