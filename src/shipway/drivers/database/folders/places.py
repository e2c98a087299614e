"""Find the folder of the migrations, which may be below the given one, and the dialect."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from shipway.domain.errors import ProofError
from shipway.domain.value import dataclass
from shipway.drivers.database.folders import liquibase
from shipway.drivers.database.folders.dialects import (
    canonical,
    choose,
    in_folders,
    in_suffixes,
    with_suffix,
    without_others,
)
from shipway.drivers.database.folders.files import Files, files_of
from shipway.drivers.database.folders.liquibase_changelog import is_changelog
from shipway.drivers.database.folders.table import PROJECTS, READERS, detect
from shipway.drivers.database.layouts import LAYOUTS

_PLACES = {"migrations", "migration", "migrate", "drizzle", "changelog", "changelogs", "sql"}
_MARKS = {*PROJECTS.values(), "sqitch.plan", "atlas.sum", "_journal.json"}
_NUMBERED = re.compile(r"[VvUR]?[0-9_]+[^/]*\.sql")
_MIGRATION = re.compile(r"[VUvu]?[0-9]")
_SHOWN = 8


@dataclass(frozen=True)
class Place:
    """A folder with migrations."""

    files: Files
    layout: str
    dialect: str | None


def find(files: Files, layout: str | None, dialect: str | None) -> Place:
    """The one place with migrations, at or below a folder. ProofError if there is none, or more than one."""
    for sql in (True, False):
        if not sql and (above := _project_above(files, layout)):
            return above
        place = _place(files, layout, dialect, sql=sql)
        if place and (place.layout not in PROJECTS or layout):
            return place
        for candidates in (_by_name(files), _by_files(files)):
            below = _below(files, candidates, layout, dialect, sql=sql)
            if place and below:
                raise _several(files, [place, *below])
            if len(below) > 1:
                raise _several(files, below)
            if below:
                return below[0]
            if place:
                return place
    raise _nothing(files, layout)


def _place(files: Files, layout: str | None, dialect: str | None, *, sql: bool) -> Place | None:
    """The place at a folder itself, or in its subfolder of a dialect. ProofError if the dialect can't be decided."""
    suffixes = in_suffixes(files.renamed({name: path for name, path in files.names.items() if _MIGRATION.match(name)}))
    chosen = None
    if suffixes:
        chosen = choose(files.root, suffixes, dialect)
        files = with_suffix(files, chosen)
    folders = in_folders(files)
    top = without_others(files, None) if folders else files
    names = _layouts(top, layout, sql=sql)
    if len(names) > 1:
        examples = " and ".join(f"{LAYOUTS[name]} ({name})" if name in LAYOUTS else name for name in names)
        raise ProofError(f"{files.root} has mixed layouts: {examples}", hint="pass one of them as --layout")
    if names and names[0] in ("flyway", "liquibase") and _only_below(files):
        return None
    if names and names[0] == "flyway" and folders:
        chosen = choose(files.root, folders, dialect)
        files = without_others(files, chosen)
    if names and names[0] == "liquibase" and (limited := liquibase.dialects(files)):
        chosen = choose(files.root, limited, dialect)
    if names:
        return Place(files, names[0], chosen or _configured(files, names[0]))
    fitting = {
        name: place
        for name, subfolders in folders.items()
        if (place := next(iter(_below(files, subfolders, layout, None, sql=sql)), None))
    }
    if not fitting:
        return None
    chosen = choose(files.root, fitting, dialect)
    return Place(fitting[chosen].files, fitting[chosen].layout, chosen)


def _only_below(files: Files) -> bool:
    """Whether files of a layout that includes subfolders are rather those of a folder of migrations further below."""
    top = [name for name in files if "/" not in name and (name.endswith(".sql") or is_changelog(files, name))]
    return not top and bool(_by_name(files))


def _configured(files: Files, layout: str) -> str | None:
    """The dialect that the tool's own settings name."""
    pattern = {
        "prisma": ("migration_lock.toml", r'^\s*provider\s*=\s*"(\w+)"'),
        "drizzle": ("meta/_journal.json", r'"dialect"\s*:\s*"(\w+)"'),
        "sqitch": ("sqitch.conf", r"^\s*engine\s*=\s*(\w+)"),
    }.get(layout)
    match = re.search(pattern[1], files.setting(pattern[0]), re.MULTILINE) if pattern else None
    return canonical(match[1]) if match else None


def _layouts(files: Files, layout: str | None, *, sql: bool) -> list[str]:
    if layout is None:
        return detect(files, sql=sql)
    if layout in PROJECTS:
        return [layout] if PROJECTS[layout] in files and sql else []
    return [layout] if READERS[layout].read(files).entries else []


def _below(files: Files, folders: Iterable[str], layout: str | None, dialect: str | None, *, sql: bool) -> list[Place]:
    """The places in subfolders; what is below one of them belongs to it."""
    found: list[Place] = []
    taken: list[str] = []
    for folder in folders:
        if any(folder.startswith(f"{other}/") for other in taken):
            continue
        place = _place(files.below(folder), layout, dialect, sql=sql)
        if place:
            taken.append(folder)
            found.append(place)
    return found


def _by_name(files: Files) -> Sequence[str]:
    """Subfolders that are named as folders of migrations are, or have a tool's own file."""
    found: set[str] = set()
    for name in files:
        folder, _, file = name.rpartition("/")
        parts = folder.split("/")
        found.update("/".join(parts[: at + 1]) for at, part in enumerate(parts) if part.lower() in _PLACES)
        if file in _MARKS and folder:
            found.add(posixpath.dirname(folder) if file == "_journal.json" else folder)
    return _outermost(found)


def _by_files(files: Files) -> Sequence[str]:
    """Subfolders with files that are named as migrations are."""
    found: set[str] = set()
    for name in files:
        folder, _, file = name.rpartition("/")
        if _NUMBERED.fullmatch(file):
            found.add(folder)
        if file in ("up.sql", "migration.sql"):
            found.add(posixpath.dirname(folder))
    return _outermost(found)


def _outermost(folders: set[str]) -> Sequence[str]:
    return sorted(folders - {""}, key=lambda folder: (folder.count("/"), folder))


def _project_above(files: Files, layout: str | None) -> Place | None:
    """The project whose own folder of migrations in Python was given."""
    folder = files.root.absolute()
    python = any(name.endswith(".py") for name in files)
    for name, levels in (("alembic", 2), ("django", 4)):
        if not python or (layout or name) != name:
            continue
        for above in list(folder.parents)[:levels]:
            if (above / PROJECTS[name]).is_file():
                return Place(Files(Path(above), {}, files.read), name, None)
    return None


def _several(files: Files, places: Sequence[Place]) -> ProofError:
    lines = [f"{place.files.root} ({place.layout})" for place in places[:_SHOWN]]
    if len(places) > _SHOWN:
        lines.append(f"and {len(places) - _SHOWN} more")
    return ProofError(
        "\n".join([f"there are several folders of migrations in {files.root}:", *lines]),
        hint="pass one of them as --migrations, or the layout as --layout",
    )


def _nothing(files: Files, layout: str | None) -> ProofError:
    if layout is not None:
        example = LAYOUTS[layout] if layout in LAYOUTS else PROJECTS[layout]
        looked = f"files of {layout} ({example})"
    else:
        looked = ", ".join([*LAYOUTS.values(), *PROJECTS.values()])
    scripts = [name for name in files if name.endswith(".sql")]
    there = f"; it has {', '.join(scripts[:5])}{' …' if len(scripts) > 5 else ''}" if scripts else ""
    return ProofError(
        f"there are no migrations in {files.root}{there}\nlooked for: {looked}",
        hint="pass the folder of the .sql files as --migrations",
    )


def open_place(folder: Path, layout: str | None, dialect: str | None) -> Place:
    """List a folder of this machine and find its migrations."""
    return find(files_of(folder), layout, dialect)
