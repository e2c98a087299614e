"""Migrations that are code, which only their own tool can run: Rails, Knex, Sequelize, TypeORM and others."""

from __future__ import annotations

import re

from shipway.drivers.database.folders.files import Files
from shipway.drivers.database.folders.model import Entry, Layout, Reading, language, match_all, short_versions
from shipway.drivers.database.migration import Skipped

HINT = "only its own tool can run it, as `shipway prove` with a plan does"
_CODE = re.compile(r"(?:[Vv]_?)?(?P<version>[0-9]{3,}[0-9_]*)[_.-](?P<name>[^/]+)\.\w+")
_RUBY = re.compile(r"(?:migrate/)?(?P<version>[0-9]+)_[^/]+\.rb")
_SCHEMAS = ("structure.sql", "schema.rb")


def _rails(files: Files) -> Reading:
    entries: list[Entry] = [
        Skipped(match["version"], files.names[name], f"written in Ruby: {HINT}")
        for name, match in match_all(_RUBY, files)
    ]
    for name in _SCHEMAS:
        if name in files:
            reason = "a schema, not a migration: write migrations as SQL with a down migration each, or test a plan"
            entries.append(Skipped(files.names[name], files.names[name], reason))
    return Reading(tuple(entries))


def _code(files: Files) -> Reading:
    names = [name for name, _ in match_all(_CODE, files) if language(name)]
    versions = short_versions(names)
    return Reading(
        tuple(Skipped(versions[name], files.names[name], f"written in {language(name)}: {HINT}") for name in names)
    )


def _is_rails(files: Files) -> bool:
    return "structure.sql" in files or bool(match_all(_RUBY, files))


RAILS = Layout(_is_rails, _rails)
CODE = Layout(
    lambda files: any(language(name) for name, _ in match_all(_CODE, files)),
    _code,
)
