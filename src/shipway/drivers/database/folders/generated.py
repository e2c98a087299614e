"""Tools that generate up migrations only: Prisma, Drizzle, Atlas, Supabase. Down migrations are read from files beside
them, under names that the tool doesn't take for a migration.

References: Prisma's docs on down migrations, Drizzle's drizzle-orm/src/migrator.ts, Atlas's sql/migrate/dir.go and its
docs on directives, Supabase's pkg/migration/list.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial

from shipway.drivers.database.folders.delimiters import respell
from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.folders.model import Entry, Layout, Reading, attempt, match_all, short_versions, unique
from shipway.drivers.database.layouts import one_statement_alone
from shipway.drivers.database.migration import Migration, Skipped, SqlFile

_FOLDER = re.compile(r"(?P<name>[^/]+)/migration\.sql")
_JOURNAL = "meta/_journal.json"
_BREAKPOINT = "--> statement-breakpoint"
_DOWN = re.compile(r"\.(?:down|rollback)\.sql$")
_UP_DOWN = re.compile(r"\.(?:up|down|rollback)\.sql$")
_DIRECTIVE = re.compile(r"^(?:--|#)[ \t]*atlas:(?P<key>\w+)[ \t]*(?P<value>[^\n]*)$", re.MULTILINE)
_SECTION = re.compile(r"^-- (?P<name>[\w.-]+) --[ \t]*$", re.MULTILINE)
_NUMBERED = re.compile(r"(?P<version>[0-9]+)_(?P<name>[^/]*)\.sql")


def _script(files: Files, name: str) -> SqlFile:
    """A file that the tool sends as a whole."""
    return files.script(name, alone=one_statement_alone(name, files.text(name), {}))


def _down(files: Files, names: Iterable[str]) -> SqlFile | None:
    return next((_script(files, name) for name in names if name in files), None)


def _prisma(files: Files) -> Reading:
    folders = sorted({name.partition("/")[0] for name in files if name.count("/") == 1})
    versions = short_versions(folders)
    entries: list[Entry] = []
    for folder in folders:
        up = f"{folder}/migration.sql"
        if up not in files:
            if re.match(r"[0-9]", folder):
                entries.append(Skipped(versions[folder], folder, "has no migration.sql"))
            continue
        remedy = (
            f"Prisma has none; write one to {folder}/down.sql, for example before `prisma migrate dev` with `prisma migrate diff "
            "--from-schema-datamodel prisma/schema.prisma --to-schema-datasource prisma/schema.prisma --script > down.sql`"
        )
        entries.append(
            attempt(versions[folder], files.names[up], partial(_in_folder, files, folder, versions[folder], remedy))
        )
    return Reading(tuple(entries))


def _in_folder(files: Files, folder: str, version: str, remedy: str) -> Migration:
    down = _down(files, [f"{folder}/down.sql"])
    return Migration(version, folder, _script(files, f"{folder}/migration.sql"), down, remedy)


def _drizzle(files: Files) -> Reading:
    if _JOURNAL not in files:  # since version 1: a folder for each
        own = tuple(_with_remedy(entry) for entry in _prisma(files).entries)
        return Reading(own, frozenset(name for name in files if name.endswith("/snapshot.json")))
    tags = _tags(files)
    versions = short_versions(tags)
    entries: list[Entry] = []
    for tag in tags:
        up = f"{tag}.sql"
        if up not in files:
            entries.append(Skipped(versions[tag], up, f"is in {_JOURNAL}, but there is no such file"))
            continue
        entries.append(attempt(versions[tag], files.names[up], partial(_tagged, files, tag, versions[tag])))
    used = frozenset(path for name, path in files.names.items() if name.startswith("meta/"))
    return Reading(tuple(unique(entries)), used)


def _with_remedy(entry: Entry) -> Entry:
    if isinstance(entry, Skipped):
        return entry
    up, down = _statements(entry.up), entry.down and _statements(entry.down)
    return Migration(entry.version, entry.name, up, down, f"Drizzle has none; write one to {entry.name}/down.sql")


def _tags(files: Files) -> list[str]:
    """In the order of the journal."""
    try:
        journal = json.loads(files.text(_JOURNAL))
        entries = journal["entries"]
        return list(dict.fromkeys(str(entry["tag"]) for entry in entries))
    except (ValueError, KeyError, TypeError, RecursionError, Unreadable):
        return []


def _tagged(files: Files, tag: str, version: str) -> Migration:
    down = _down(files, [f"{tag}.down.sql", f"{tag}.rollback.sql", f"down/{tag}.sql"])
    up = files.script(f"{tag}.sql")
    remedy = f"Drizzle has none; write one to {tag}.down.sql"
    return Migration(version, tag, _statements(up), _statements(down) if down else None, remedy)


def _statements(file: SqlFile) -> SqlFile:
    """Statements end at breakpoints, with or without a semicolon."""
    return SqlFile(file.path, respell(file.text, _BREAKPOINT), file.alone)


def _supabase(files: Files) -> Reading:
    entries: list[Entry] = []
    for name, match in match_all(_NUMBERED, files.top()):
        if _DOWN.search(name):
            reason = "would be applied as an up migration by Supabase: move it to a subfolder `down`"
            entries.append(Skipped(match["version"], files.names[name], reason))
            continue
        if not entries and len(match["version"]) == 14 and match["version"] < "20211209" and match["name"] == "init":
            continue  # written by old versions, and skipped by newer ones
        entries.append(
            attempt(
                match["version"],
                files.names[name],
                partial(_beside, files, name, match["version"], match["name"], "Supabase"),
            )
        )
    return Reading(tuple(unique(entries)), _downs(files))


def _beside(files: Files, file: str, version: str, name: str, tool: str) -> Migration:
    remedy = f"{tool} has none; write one to down/{file}"
    return Migration(version, name, files.script(file), _down(files, [f"down/{file}"]), remedy)


def _downs(files: Files) -> frozenset[str]:
    return frozenset(path for name, path in files.names.items() if name.startswith("down/"))


def _atlas(files: Files) -> Reading:
    entries: list[Entry] = []
    used = set(_downs(files))
    stems = {_UP_DOWN.sub("", name).removesuffix(".sql") for name in files.top() if not _DOWN.search(name)}
    for name in files.top():
        stem = _UP_DOWN.sub("", name).removesuffix(".sql")
        version, _, title = stem.partition("_")
        version = version or stem
        if not _DOWN.search(name):
            entries.append(attempt(version, files.names[name], partial(_atlas_file, files, name, version, stem, title)))
        elif stem in stems:
            used.add(files.names[name])
        else:
            entries.append(Skipped(version, files.names[name], "has no up migration"))
    return Reading(tuple(unique(entries)), frozenset(used))


def _atlas_file(files: Files, name: str, version: str, stem: str, title: str) -> Entry:
    text = files.text(name)
    directives = {match["key"]: match["value"].strip() for match in _DIRECTIVE.finditer(text)}
    if "checkpoint" in directives:
        return Skipped(version, files.names[name], "a checkpoint: the migrations before it are verified instead")
    down = _down(files, [f"{stem}.down.sql", f"{stem}.rollback.sql", f"down/{name}"])
    if "txtar" in directives:
        sections = _archive(text)
        if "migration.sql" not in sections:
            return Skipped(version, files.names[name], "an archive without `-- migration.sql --`")
        text = sections["migration.sql"]
        down = SqlFile(files.names[name], sections["down.sql"]) if "down.sql" in sections else down
    if delimiter := directives.get("delimiter"):
        text = respell(text, delimiter.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r"))
    alone = directives.get("txmode") == "none"
    remedy = f"`atlas migrate down` computes them; to verify one, write it to down/{name}"
    return Migration(version, title, SqlFile(files.names[name], text, alone), down, remedy)


def _archive(text: str) -> dict[str, str]:
    """The sections of an archive of several files."""
    marks = list(_SECTION.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return {
        mark["name"]: "\n" * text.count("\n", 0, mark.end()) + text[mark.end() : end]
        for mark, end in zip(marks, ends, strict=False)
    }


def _is_drizzle(files: Files) -> bool:
    return _JOURNAL in files or (
        any(name.endswith("/snapshot.json") for name in files) and bool(match_all(_FOLDER, files))
    )


def _is_supabase(files: Files) -> bool:
    parts = files.root.absolute().parts[-2:]
    return parts == ("supabase", "migrations") and bool(match_all(_NUMBERED, files.top()))


PRISMA = Layout(
    lambda files: bool(match_all(_FOLDER, files)) and not _is_drizzle(files),
    _prisma,
)
DRIZZLE = Layout(_is_drizzle, _drizzle)
ATLAS = Layout(lambda files: "atlas.sum" in files, _atlas)
SUPABASE = Layout(_is_supabase, _supabase)
