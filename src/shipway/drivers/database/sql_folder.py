"""Read a folder of plain SQL migrations in the layout of a common tool, detected from the files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shipway.domain.errors import MigrationFailed, ProofError
from shipway.drivers.database.layouts import LAYOUTS, Layout, without_comments

NO_TRANSACTION = "-- shipway: no-transaction"
_SUFFIXES = (".sql", ".toml", ".conf", ".go")  # of the files that a layout consists of
_GO = re.compile(r"\d+_(?![^/]*_test\.go$)[^/]+\.go")  # a Go migration of goose


@dataclass(frozen=True)
class SqlFile:
    """A file, or its part for one direction; `path` is relative to the folder."""

    path: str
    text: str
    alone: bool = False  # marked by its layout to run without a transaction

    @property
    def empty(self) -> bool:
        """Whether it contains only comments."""
        return not without_comments(self.text).strip()

    @property
    def transaction(self) -> bool:
        """Whether it may run in a transaction, which some statements (CREATE INDEX CONCURRENTLY) can't."""
        return not self.alone and not self.text.lstrip().lower().startswith(NO_TRANSACTION)


@dataclass(frozen=True)
class Migration:
    """One version: its up file, and its down file if there is one."""

    version: str
    name: str
    up: SqlFile
    down: SqlFile | None

    @property
    def checksum(self) -> str:
        """SHA-256 of the up file."""
        return hashlib.sha256(self.up.text.encode()).hexdigest()


def order(version: str) -> tuple[int, ...]:
    """Sort key: versions are numbers, regardless of padding; 1.10 comes after 1.9, and 1.0 is 1."""
    numbers = [int(part) for part in re.split(r"[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def migrations_in(folder: Path, layout: str | None) -> list[Migration]:
    """Load the migrations of a folder of this machine, at least one. `layout` as for `load`. ProofError if that isn't
    possible."""
    if not folder.is_dir():
        raise ProofError(f"there is no folder {folder}", hint="pass the folder of the migrations as --migrations")
    depths = ["*", "*/*"] if layout in (None, "diesel") else ["*"]  # only Diesel's has subfolders
    paths = [path for depth in depths for path in sorted(folder.glob(depth)) if path.suffix in _SUFFIXES]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    try:
        migrations = load(str(folder), files, layout)
    except MigrationFailed as error:
        raise ProofError(error.message, hint=error.hint) from error
    if not migrations:
        raise ProofError(
            f"there are no migrations in {folder}", hint="pass the folder of the .sql files as --migrations"
        )
    return migrations


@dataclass(frozen=True)
class Skipped:
    """A migration that can't be run, such as one written in Go; `path` is relative to the folder."""

    name: str
    path: str
    reason: str
    position: int = 0  # number of migrations before it


@dataclass(frozen=True)
class Contents:
    """The migrations of a folder. For a layout with its own tool, such as alembic, they are not listed."""

    folder: Path
    layout: str
    dialect: str | None
    migrations: tuple[Migration, ...]
    skipped: tuple[Skipped, ...]
    ignored: tuple[str, ...] = ()


def folder_contents(folder: Path, layout: str | None = None, dialect: str | None = None) -> Contents:
    """The contents of a folder of this machine. layout: None detects it. ProofError if that isn't possible."""
    if layout in ("alembic", "django") or (layout is None and (folder / "alembic.ini").is_file()):
        return Contents(folder, layout or "alembic", dialect, (), ())
    migrations = tuple(migrations_in(folder, layout))
    paths = [(item.up.path, (folder / item.up.path).read_text()) for item in migrations]
    found = layout or next(
        name for name, item in LAYOUTS.items() if any(_fits(item, path, text) for path, text in paths)
    )
    return Contents(folder, found, dialect, migrations, ())


def load(folder: str, files: Mapping[str, bytes], layout: str | None = None) -> list[Migration]:
    """The migrations of a folder in order. `layout` is a name of LAYOUTS; None detects it. All problems of the folder
    are reported together."""
    scripts: dict[str, str] = {}
    problems: list[str] = []
    for path in sorted(path for path in files if path.endswith(".sql")):
        try:
            scripts[path] = files[path].decode("utf-8-sig")
        except UnicodeDecodeError:
            problems.append(f"{path} is not UTF-8")
    if scripts and layout is None:
        fitting = [
            name for name, item in LAYOUTS.items() if any(_fits(item, path, text) for path, text in scripts.items())
        ]
        if len(fitting) != 1:
            examples = " and ".join(LAYOUTS[name].example for name in fitting)
            raise _bad(
                folder, [f"mixed layouts ({examples})" if fitting else f"no known layout: {_list(list(scripts))}"]
            )
        layout = fitting[0]
    if layout in ("goose", None):
        problems += [f"{path} is written in Go: only SQL is supported" for path in sorted(files) if _GO.fullmatch(path)]
    pairs = _pair(LAYOUTS[layout], scripts, files, problems) if layout else []
    if problems:
        raise _bad(folder, problems)
    return pairs


def _fits(layout: Layout, path: str, text: str) -> bool:
    return layout.pattern.fullmatch(path) is not None and (layout.mark is None or layout.mark.search(text) is not None)


def _pair(
    layout: Layout, scripts: Mapping[str, str], files: Mapping[str, bytes], problems: list[str]
) -> list[Migration]:
    ups: dict[tuple[int, ...], list[tuple[re.Match[str], SqlFile]]] = {}
    downs: dict[tuple[int, ...], list[SqlFile]] = {}
    for path, text in scripts.items():
        match = layout.pattern.fullmatch(path)
        if match is None:
            problems.append(f"{path} doesn't fit the layout of the others")
            continue
        key = order(match["version"].replace("-", ""))
        if layout.split is not None:
            try:
                up, down = layout.split(text)
            except ValueError as error:
                problems.append(f"{path} {error}")
                continue
            ups.setdefault(key, []).append((match, SqlFile(path, up.text, up.alone)))
            if down is not None:
                downs.setdefault(key, []).append(SqlFile(path, down.text, down.alone))
            continue
        file = SqlFile(path, text, layout.alone(path, text, files))
        if match["direction"] in ("up", "V"):
            ups.setdefault(key, []).append((match, file))
        else:
            downs.setdefault(key, []).append(file)
    for key in sorted({*ups, *downs}):
        own_ups, own_downs = [file for _, file in ups.get(key, [])], downs.get(key, [])
        if not own_ups:
            problems.append(f"{_list([file.path for file in own_downs])} has no up file")
        for same in [own_ups] if layout.split else [own_ups, own_downs]:
            if len(same) > 1:
                problems.append(f"{_list([file.path for file in same])} have the same version")
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
        hint=f"name all files of the folder by one layout ({', '.join(item.example for item in LAYOUTS.values())}), each version once",
    )
