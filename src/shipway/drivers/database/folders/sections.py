"""Tools whose files have a section for each direction: goose, dbmate, sql-migrate, tern, node-pg-migrate.

References: goose's provider_collect.go and internal/sqlparser, dbmate's pkg/dbmate/migration.go, sql-migrate's
sqlparse/sqlparse.go and migrate.go, tern's migrate/migrate.go, node-pg-migrate's src/sqlMigration.ts and src/migration.ts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.folders.model import (
    Entry,
    Layout,
    Reading,
    attempt,
    language,
    match_all,
    short_versions,
    unique,
)
from shipway.drivers.database.layouts import DBMATE_MARK, GOOSE_MARK, Section, split_dbmate, split_goose
from shipway.drivers.database.migration import Migration, Skipped, SqlFile

Split = Callable[[str], tuple[Section, Section | None]]  # ValueError
GO = "written in Go: it was not applied, and migrations that depend on it will fail"
_NUMBERED = re.compile(r"(?P<version>[0-9]+)_(?P<name>[^/]*)\.sql")
_DIGITS_FIRST = re.compile(r"(?P<version>[0-9]+)(?P<name>[^/]*)\.sql")
_GO_FILE = re.compile(r"(?P<version>[0-9]+)_(?![^/]*_test\.go$)[^/]+\.go")
_SQL_MIGRATE = re.compile(r"^-- \+migrate (?P<word>Up|Down)\b(?P<options>[^\n]*)$", re.MULTILINE)
_TERN = "---- create above / drop below ----"
_TERN_ALONE = re.compile(r"^---- tern: disable-tx ----\s*$", re.MULTILINE)
_PG_MIGRATE = {word: re.compile(rf"^\s*--[\s-]*{word}\s+migration", re.I | re.M) for word in ("up", "down")}


def marked(files: Files, names: Iterable[str], pattern: re.Pattern[str] | str) -> bool:
    """Whether one of the files has this text."""
    for name in names:
        try:
            text = files.text(name)
        except Unreadable:
            continue
        if (pattern in text) if isinstance(pattern, str) else pattern.search(text):
            return True
    return False


def _read(
    files: Files, pattern: re.Pattern[str], split: Split, key: Callable[[re.Match[str]], object],
    *, others: Iterable[tuple[object, Skipped]] = (),
) -> Reading:  # fmt: skip
    """Files with both directions, and what else has a place among them, sorted by key."""
    found: list[tuple[object, Entry]] = list(others)
    for name, match in match_all(pattern, files.top()):
        version, title = match["version"], match["name"].lstrip("_-.")
        found.append((key(match), _migration(files, name, version, title, split)))
    found.sort(key=lambda item: item[0])  # type: ignore[arg-type, return-value]
    return Reading(tuple(unique(entry for _, entry in found)))


def _migration(files: Files, file: str, version: str, title: str, split: Split) -> Entry:
    def make() -> Entry:
        try:
            up, down = split(files.text(file))
        except ValueError as error:
            return Skipped(version, files.names[file], str(error))
        path = files.names[file]
        return Migration(
            version,
            title,
            SqlFile(path, up.text, up.alone),
            None if down is None else SqlFile(path, down.text, down.alone),
        )

    return attempt(version, files.names[file], make)


def _number(match: re.Match[str]) -> object:
    return int(match["version"])


def _goose(files: Files) -> Reading:
    go = [
        (int(match["version"]), Skipped(match["version"], files.names[name], GO))
        for name, match in match_all(_GO_FILE, files)
    ]
    return _read(files, _NUMBERED, _split_goose, _number, others=go)


def _split_goose(text: str) -> tuple[Section, Section | None]:
    if re.search(r"^--\s*\+goose\s+envsub\s+on", text, re.I | re.M):
        raise ValueError("substitutes environment variables (`+goose ENVSUB`)")
    return split_goose(text)


def _dbmate(files: Files) -> Reading:
    return _read(files, _DIGITS_FIRST, split_dbmate, lambda match: match.string)


def _sql_migrate(files: Files) -> Reading:
    versions = short_versions(name.removesuffix(".sql") for name in files.top())

    def key(name: str) -> tuple[bool, int, str]:
        """Numbers first, by their value; then by name."""
        number = re.match(r"[0-9]+", name)
        return number is None, int(number[0]) if number else 0, name

    names = sorted(files.top(), key=key)
    stems = [name.removesuffix(".sql") for name in names]
    return Reading(
        tuple(
            _migration(files, name, versions[stem], stem, _split_sql_migrate)
            for name, stem in zip(names, stems, strict=True)
        )
    )


def _split_sql_migrate(text: str) -> tuple[Section, Section | None]:
    """A direction may have several sections."""
    marks = list(_SQL_MIGRATE.finditer(text))
    parts: dict[str, list[str]] = {}
    alone: set[str] = set()
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(text)], strict=False):
        part = parts.setdefault(mark["word"], [])
        line = text.count("\n", 0, mark.end())
        part.append("\n" * (line - sum(piece.count("\n") for piece in part)) + text[mark.end() : end])
        if "notransaction" in mark["options"].split():
            alone.add(mark["word"])
    if "Up" not in parts:
        raise ValueError("has no line `-- +migrate Up`")
    up, down = (Section("".join(parts[word]), word in alone) if word in parts else None for word in ("Up", "Down"))
    assert up is not None
    return up, down


def _tern(files: Files) -> Reading:
    return _read(files, _NUMBERED, _split_tern, _number)


def _split_tern(text: str) -> tuple[Section, Section | None]:
    if "{{" in text:
        raise ValueError("is a template ({{ }})")
    up, mark, down = text.partition(_TERN)
    alone = _TERN_ALONE.search(text) is not None
    lines = "\n" * up.count("\n")
    return Section(up, alone), Section(lines + down, alone) if mark else None


def _pg_migrate(files: Files) -> Reading:
    names = [name for name in files if "/" not in name and (name.endswith(".sql") or language(name))]
    stems = {name: name.rpartition(".")[0] for name in names}
    versions = short_versions(stems.values())

    def key(name: str) -> tuple[int, str]:
        number = re.match(r"[0-9]+", name)
        return int(number[0]) if number else 0, name

    return Reading(
        tuple(
            _migration(files, name, versions[stems[name]], stems[name], _split_pg_migrate)
            if name.endswith(".sql")
            else Skipped(versions[stems[name]], files.names[name], f"written in {language(name)}")
            for name in sorted(names, key=key)
        )
    )


def _split_pg_migrate(text: str) -> tuple[Section, Section | None]:
    """Without a line `-- Up Migration`, the file is an up migration; the sections may be in any order."""
    up, down = (pattern.search(text) for pattern in (_PG_MIGRATE["up"], _PG_MIGRATE["down"]))
    start = up.start() if up else 0
    if down is None:
        return _from(text, start, len(text)), None
    end = up.start() if up and up.start() > down.start() else len(text)
    first = (
        _from(text, start, down.start() if down.start() >= start else len(text)) if up else _from(text, 0, len(text))
    )
    return first, _from(text, down.start(), end)


def _from(text: str, start: int, end: int) -> Section:
    return Section("\n" * text.count("\n", 0, start) + text[start:end])


def _numbered(files: Files) -> list[str]:
    return [name for name, _ in match_all(_DIGITS_FIRST, files.top())]


GOOSE = Layout(lambda files: marked(files, _numbered(files), GOOSE_MARK), _goose)
DBMATE = Layout(lambda files: marked(files, _numbered(files), DBMATE_MARK), _dbmate)
SQL_MIGRATE = Layout(lambda files: marked(files, files.top(), _SQL_MIGRATE), _sql_migrate)
TERN = Layout(lambda files: "tern.conf" in files or marked(files, _numbered(files), _TERN), _tern)
PG_MIGRATE = Layout(lambda files: marked(files, files.top(), _PG_MIGRATE["up"]), _pg_migrate)
