"""Flyway: versioned, undo, baseline and repeatable migrations, callbacks and placeholders, in a folder and its subfolders.

Reference: Flyway's documentation of migrations, callbacks, placeholders and script configuration files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.folders.model import Entry, Layout, Named, Reading, attempt, language, match_all, pair
from shipway.drivers.database.layouts import flyway_alone
from shipway.drivers.database.migration import Callbacks, Migration, Skipped, SqlFile, order

_VERSIONED = re.compile(
    r"(?:[^/]+/)*(?P<kind>[VUB])(?P<version>[0-9]+(?:[._][0-9]+)*)(?:__(?P<name>[^/]*))?\.(?P<type>\w+)"
)
_REPEATABLE = re.compile(r"(?:[^/]+/)*R__(?P<name>[^/]*)\.(?P<type>\w+)")
_CALLBACK = re.compile(r"(?:[^/]+/)*(?P<event>(?:before|after|create)[A-Za-z]+)(?:__(?P<name>[^/]*))?\.sql")
_UP = {
    "beforeMigrate": "before", "beforeEachMigrate": "before_each", "afterEachMigrate": "after_each", "afterVersioned": "after",
    "afterMigrate": "after", "afterMigrateApplied": "after", "beforeVersioned": "before", "createSchema": "before",
    "beforeCreateSchema": "before",
}  # fmt: skip
_DOWN = {"beforeUndo": "before", "beforeEachUndo": "before_each", "afterEachUndo": "after_each", "afterUndo": "after"}
_OTHER = re.compile(
    r"(?:before|after)(?:Clean|Info|Validate|Baseline|Repair|Connect|Repeatables|\w*(?:Error|Statement\w*|OperationFinish))$"
)
_PLACEHOLDER = re.compile(r"\$\{([^}\n]+)\}")
_SETTING = re.compile(r"^\s*(?:flyway\.)?(?P<key>[\w.]+?)\s*=\s*(?P<value>[^\n]*?)\s*$", re.MULTILINE)
_SETTINGS = ("flyway.conf", "conf/flyway.conf", "flyway.toml", "flyway.user.toml")
_REPEATABLE_REMEDY = "a repeatable migration has none: the previous release's version of it is applied again"


def _settings(files: Files) -> tuple[dict[str, str], bool]:
    """The values of placeholders, and whether they are replaced at all."""
    values: dict[str, str] = {}
    replaced = True
    for name in _SETTINGS:
        section = ""
        for line in files.above(name).splitlines():
            if heading := re.match(r"\s*\[([\w.]+)\]", line):
                section = heading[1].removeprefix("flyway").strip(".") + "."
            if match := _SETTING.match(line):
                key = (section if section != "." else "") + match["key"]
                value = match["value"].strip("\"'")
                if key.lower().startswith("placeholders."):
                    values[key.partition(".")[2].lower()] = value
                if key.lower() == "placeholderreplacement":
                    replaced = value.lower() != "false"
    return values, replaced


class _Reader:
    """Reads the files of one folder."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.values, self.replaced = _settings(files)
        self.rows: list[Skipped] = []

    def script(self, name: str) -> SqlFile:
        """Unreadable if a placeholder has no value."""
        files, path = self.files, self.files.names[name]
        text, settings = files.text(name), files.setting(f"{name}.conf")
        own = {match["key"].lower(): match["value"] for match in _SETTING.finditer(settings)}
        if self.replaced and own.get("placeholderreplacement", "").lower() != "false":
            text = self._replace(path, text)
        return SqlFile(path, text, flyway_alone("", text, {".conf": settings.encode()}))

    def _replace(self, path: str, text: str) -> str:
        for key in dict.fromkeys(_PLACEHOLDER.findall(text)):
            value = self.values.get(key.lower())
            if value is None:
                raise Unreadable(
                    path, f"uses the placeholder ${{{key}}}, which no flyway.conf above the folder defines"
                )
            text = text.replace(f"${{{key}}}", value)
        return text

    def callbacks(self) -> tuple[Callbacks, Callbacks]:
        """Of up and of down migrations."""
        found: tuple[dict[str, list[SqlFile]], dict[str, list[SqlFile]]] = ({}, {})
        for name, match in match_all(_CALLBACK, self.files):
            path = self.files.names[name]
            for direction, events in zip(found, (_UP, _DOWN), strict=True):
                if match["event"] in events:
                    try:
                        direction.setdefault(events[match["event"]], []).append(self.script(name))
                    except Unreadable as error:
                        self.rows.append(Skipped(path, path, f"a callback that {error.reason}"))
            if _OTHER.search(match["event"]):
                self.rows.append(Skipped(path, path, f"a callback that is not run: {match['event']}"))
        up, down = (Callbacks(**{key: tuple(files) for key, files in kinds.items()}) for kinds in found)
        return up, down


def _read(files: Files) -> Reading:
    reader = _Reader(files)
    up, down = reader.callbacks()
    scripts = files.renamed({name: path for name, path in files.names.items() if name.endswith(".sql")})
    versioned = match_all(_VERSIONED, files)
    named = [
        Named(name, match["version"].replace("_", "."), match["name"] or "", {"V": "up", "U": "down"}[match["kind"]])
        for name, match in versioned
        if match["kind"] != "B" and match["type"] == "sql"
    ]
    paired = pair(scripts, named, order)
    by_path = {path: name for name, path in files.names.items()}
    entries = [_complete(reader, entry, by_path, up, down) for entry in paired.entries]
    entries = _with_baselines(reader, entries, [(name, match) for name, match in versioned if match["kind"] == "B"])
    other = [
        Skipped(match["version"].replace("_", "."), files.names[name], f"written in {language(name)}")
        for name, match in versioned
        if match["kind"] == "V" and language(name)
    ]
    entries = sorted([*entries, *other], key=lambda entry: order(_version(entry)))
    for name, match in sorted(match_all(_REPEATABLE, files), key=lambda item: item[1]["name"]):
        if match["type"] == "sql":
            make = partial(_repeatable, reader, name, match["name"], up)
            entries.append(attempt(f"R__{match['name']}", files.names[name], make))
        elif language(name):
            entries.append(Skipped(f"R__{match['name']}", files.names[name], f"written in {language(name)}"))
    used = {path for name, path in files.names.items() if _CALLBACK.fullmatch(name) or name.endswith(".sql.conf")}
    return Reading((*entries, *reader.rows), paired.used | used)


def _version(entry: Entry) -> str:
    return entry.version if isinstance(entry, Migration) else entry.name


def _complete(reader: _Reader, entry: Entry, by_path: Mapping[str, str], up: Callbacks, down: Callbacks) -> Entry:
    """With callbacks, and with placeholders replaced."""
    if isinstance(entry, Skipped):
        return entry
    migration = entry

    def make() -> Migration:
        undo = reader.script(by_path[migration.down.path]) if migration.down else None
        ready = replace(migration, up=reader.script(by_path[migration.up.path]), down=undo)
        return replace(ready, around_up=up, around_down=down)

    return attempt(migration.version, migration.up.path, make)


def _repeatable(reader: _Reader, name: str, title: str, up: Callbacks) -> Migration:
    return Migration(f"R__{title}", title, reader.script(name), None, _REPEATABLE_REMEDY, up)


def _with_baselines(reader: _Reader, entries: list[Entry], baselines: list[tuple[str, re.Match[str]]]) -> list[Entry]:
    """A baseline stands for the versions up to its own: it is a migration where the folder has none of those."""
    found = list(entries)
    for name, match in baselines:
        version, path = match["version"].replace("_", "."), reader.files.names[name]
        if any(order(_version(entry)) <= order(version) for entry in entries):
            found.append(Skipped(version, path, "a baseline: the versions before it are verified instead"))
        else:
            make = partial(_baseline, reader, name, version, match["name"] or "")
            found.append(attempt(version, path, make))
    return found


def _baseline(reader: _Reader, name: str, version: str, title: str) -> Migration:
    return Migration(version, title, reader.script(name), None, "a baseline has none")


def _fits(files: Files) -> bool:
    versioned = (match for _, match in match_all(_VERSIONED, files))
    repeatable = (match for _, match in match_all(_REPEATABLE, files))
    return any(
        match["type"] == "sql" and "__" in match.string.rpartition("/")[2]
        for found in (versioned, repeatable)
        for match in found
    )


FLYWAY = Layout(_fits, _read)
