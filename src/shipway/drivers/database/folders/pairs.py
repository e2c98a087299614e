"""Tools with a file for each direction, or only for up: golang-migrate, diesel, Hasura, sqlx, and names like theirs.

References: golang-migrate's source/parse.go, diesel's diesel_migrations/src/file_based_migrations.rs (versions are text),
Hasura's cli/migrate/source/parse.go, sqlx's sqlx-core/src/migrate/source.rs.
"""

from __future__ import annotations

import re
from functools import partial

from shipway.drivers.database.folders.dialects import AUTOCOMMIT
from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.folders.model import Entry, Layout, Named, Reading, match_all, pair
from shipway.drivers.database.layouts import one_statement_alone
from shipway.drivers.database.migration import Migration, Skipped

_MIGRATE = re.compile(r"(?P<version>[0-9]+)_(?P<name>[^/]*)\.(?P<direction>up|down)\.sql")
# V0001.Name.up.sql and the like, which scripts of teams apply.
_SIMILAR = re.compile(r"[Vv]?(?P<version>[0-9]+)[._-]+(?P<name>[^/]*?)[._-](?P<direction>up|down)\.sql", re.IGNORECASE)
_FOLDER = re.compile(r"(?P<version>[0-9][0-9-]*)(?:_(?P<name>[^/]+))?/(?P<direction>up|down)\.sql")
_YAML = re.compile(r"(?P<version>[0-9]+)_(?P<name>[^/]+)/(?P<direction>up|down)\.ya?ml")
_SQLX = re.compile(r"(?P<version>[0-9]+)_(?P<name>[^/]*?)(?:\.(?P<direction>up|down))?\.sql")
_NO_TRANSACTION = "-- no-transaction"
_METADATA = re.compile(r"^\s*run_in_transaction\s*=\s*false\b", re.MULTILINE)


def _named(pattern: re.Pattern[str], files: list[str]) -> list[Named]:
    return [
        Named(
            name,
            match["version"].replace("-", ""),
            match["name"] or match["version"],
            (match["direction"] or "up").lower(),
        )
        for name, match in match_all(pattern, files)
    ]


def _migrate(files: Files) -> Reading:
    return pair(files, _named(_MIGRATE, files.top()), int, alone=partial(_whole, files))


def _whole(files: Files, file: str, text: str) -> bool:
    """The file is sent as a whole."""
    return AUTOCOMMIT in files.names[file] or one_statement_alone(file, text, {})


def _similar(files: Files) -> Reading:
    return pair(files, _named(_SIMILAR, files.top()), int, alone=partial(_whole, files))


def _folders(files: Files) -> list[Named]:
    return _named(_FOLDER, list(files))


def _diesel(files: Files) -> Reading:
    def alone(file: str, text: str) -> bool:
        return _METADATA.search(files.setting(file.rpartition("/")[0] + "/metadata.toml")) is not None

    found = pair(files, _folders(files), str, alone=alone)
    settings = {path for name, path in files.names.items() if name.endswith("/metadata.toml")}
    return Reading(found.entries, found.used | settings)


def _hasura(files: Files) -> Reading:
    found = pair(files, _folders(files), int)
    other = [
        Skipped(match["version"], files.names[name], "changes Hasura's metadata, in YAML")
        for name, match in match_all(_YAML, files)
        if match["direction"] == "up"
    ]
    entries = sorted([*found.entries, *other], key=_version)
    return Reading(tuple(entries), found.used)


def _version(entry: Entry) -> int:
    return int(entry.version if isinstance(entry, Migration) else entry.name)


def _sqlx(files: Files) -> Reading:
    def alone(file: str, text: str) -> bool:
        return text.startswith(_NO_TRANSACTION)

    return pair(files, _named(_SQLX, files.top()), int, alone=alone)


def _has_up(pattern: re.Pattern[str], files: Files) -> bool:
    return any(item.direction == "up" for item in _named(pattern, files.top()))


def _is_hasura(files: Files) -> bool:
    versions = [item.version for item in _folders(files)]
    if not versions:
        return False
    if re.search(r"^\s*(?:metadata_directory|endpoint)\s*:", files.above("config.yaml", 2), re.MULTILINE):
        return True
    return all(len(version) == 13 for version in versions)  # milliseconds


def _is_sqlx(files: Files) -> bool:
    """Whether files that golang-migrate would read too are meant for sqlx."""
    for name, _ in match_all(_SQLX, files.top()):
        try:
            if files.text(name).startswith(_NO_TRANSACTION):
                return True
        except Unreadable:
            continue
    return "sqlx" in files.above("Cargo.toml", 3) and bool(match_all(_SQLX, files.top()))


MIGRATE = Layout(lambda files: _has_up(_MIGRATE, files) and not _is_sqlx(files), _migrate)
SIMILAR = Layout(lambda files: _has_up(_SIMILAR, files) and not match_all(_MIGRATE, files.top()), _similar)
DIESEL = Layout(lambda files: bool(_folders(files)) and not _is_hasura(files), _diesel)
HASURA = Layout(_is_hasura, _hasura)
SQLX = Layout(
    lambda files: bool(match_all(_SQLX, files.top())),
    _sqlx,
)
