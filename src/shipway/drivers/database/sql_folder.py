"""Read a folder of SQL migrations: strictly for a release, leniently for the proof of a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from shipway.domain.errors import MigrationFailed, ProofError, UsageError
from shipway.drivers.database.beyond import beyond
from shipway.drivers.database.folders import liquibase
from shipway.drivers.database.folders.dialects import server_of
from shipway.drivers.database.folders.model import Entry, Reading, unique
from shipway.drivers.database.folders.places import Place, open_place
from shipway.drivers.database.folders.projects import project_dialect
from shipway.drivers.database.folders.table import PROJECTS, READERS
from shipway.drivers.database.layouts import LAYOUTS, RELEASE_LAYOUTS, Layout
from shipway.drivers.database.migration import NO_TRANSACTION, Callbacks, Contents, Migration, Skipped, SqlFile, order

__all__ = [
    "LAYOUTS", "NO_TRANSACTION", "Callbacks", "Contents", "Migration", "Skipped", "SqlFile", "folder_contents", "load",
    "order",
]  # fmt: skip
_GO = re.compile(r"\d+_(?![^/]*_test\.go$)[^/]+\.go")  # a Go migration of goose
_OWN = re.compile(
    r"(?:.*/)?(?:atlas\.sum|migration_lock\.toml|(?:flyway|tern|sqitch)\.conf|flyway(?:\.user)?\.toml|yoyo\.ini|sqitch\.plan|metadata\.toml)"
)  # settings of tools


def folder_contents(folder: Path, layout: str | None = None, dialect: str | None = None) -> Contents:
    """What a folder of migrations holds, as its tool reads it. What can't be verified is in `skipped`.

    layout: a name of LAYOUTS, "alembic" or "django"; None detects it, also in subfolders. dialect: postgres, mysql … of
    a folder with migrations for several. ProofError if there are no migrations, or more than one place with some.
    """
    if layout is not None and layout not in (*LAYOUTS, *PROJECTS):
        raise UsageError(f"there is no layout {layout}; there are: {', '.join((*LAYOUTS, *PROJECTS))}")
    place = open_place(folder, layout, dialect)
    if place.layout in PROJECTS:
        return Contents(place.files.root, place.layout, project_dialect(place.files.root, place.layout), (), ())
    if place.files.denied:
        raise ProofError(
            f"{place.files.root / place.files.denied[0]} can't be read: permission denied", hint="check its permissions"
        )
    reading = _reading(place)
    entries = [_guarded(entry, place.dialect or dialect) for entry in unique(reading.entries)]
    entries += _refused_callbacks(reading.entries, place.dialect or dialect)
    migrations: list[Migration] = []
    skipped: list[Skipped] = []
    for entry in entries:
        if isinstance(entry, Migration):
            migrations.append(entry)
        else:
            skipped.append(replace(entry, position=len(migrations)))
    return Contents(
        place.files.root,
        place.layout,
        server_of(place.dialect),
        tuple(migrations),
        tuple(skipped),
        _ignored(place, reading),
    )


def _reading(place: Place) -> Reading:
    if place.layout == "liquibase":
        return liquibase.read(place.files, place.dialect)
    return READERS[place.layout].read(place.files)


def _guarded(entry: Entry, dialect: str | None) -> Entry:
    """A migration whose up migration reaches beyond its database is skipped; its callbacks that do are left out."""
    if isinstance(entry, Skipped):
        return entry
    if reason := beyond(entry.up.text, dialect):
        return Skipped(entry.version, entry.up.path, reason)
    if not (entry.around_up.files or entry.around_down.files):
        return entry
    return replace(
        entry, around_up=_harmless(entry.around_up, dialect), around_down=_harmless(entry.around_down, dialect)
    )


def _harmless(around: Callbacks, dialect: str | None) -> Callbacks:
    def those(files: tuple[SqlFile, ...]) -> tuple[SqlFile, ...]:
        return tuple(file for file in files if not beyond(file.text, dialect))

    return Callbacks(
        those(around.before),
        those(around.before_each),
        those(around.after_each),
        those(around.check_each),
        those(around.after),
    )


def _refused_callbacks(entries: Sequence[Entry], dialect: str | None) -> list[Skipped]:
    files = {
        file.path: file
        for entry in entries
        if isinstance(entry, Migration)
        for file in (*entry.around_up.files, *entry.around_down.files)
    }
    return [Skipped(path, path, reason) for path, file in files.items() if (reason := beyond(file.text, dialect))]


def _ignored(place: Place, reading: Reading) -> tuple[str, ...]:
    used = set(reading.used)
    for entry in reading.entries:
        if isinstance(entry, Skipped):
            used.add(entry.path)
        else:
            used.update(entry.paths)
    return tuple(path for path in place.files.names.values() if path not in used and not _OWN.fullmatch(path))


def load(folder: str, files: Mapping[str, bytes], layout: str | None = None) -> list[Migration]:
    """The migrations of a folder in order. `layout` is a name of RELEASE_LAYOUTS; None detects it. All problems of the folder
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
            name
            for name, item in RELEASE_LAYOUTS.items()
            if any(_fits(item, path, text) for path, text in scripts.items())
        ]
        if len(fitting) != 1:
            examples = " and ".join(RELEASE_LAYOUTS[name].example for name in fitting)
            raise _bad(
                folder, [f"mixed layouts ({examples})" if fitting else f"no known layout: {_list(list(scripts))}"]
            )
        layout = fitting[0]
    if layout in ("goose", None):
        problems += [f"{path} is written in Go: only SQL is supported" for path in sorted(files) if _GO.fullmatch(path)]
    pairs = _pair(RELEASE_LAYOUTS[layout], scripts, files, problems) if layout else []
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
        hint=f"name all files of the folder by one layout ({', '.join(item.example for item in RELEASE_LAYOUTS.values())}), each version once",
    )
