"""Layouts of SQL migration folders, and the markers in the files of those that a release may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from shipway.domain.value import dataclass
from shipway.drivers.database.migration import without_comments

LAYOUTS: Mapping[str, str] = {  # of `shipway prove --migrations`: name, and an example
    "golang-migrate": "0001_name.up.sql",
    "up-down": "V0001.name.up.sql",
    "diesel": "0001_name/up.sql",
    "hasura": "1600000000000_name/up.sql with Hasura's config.yaml above",
    "goose": "0001_name.sql with `-- +goose Up`",
    "dbmate": "0001_name.sql with `-- migrate:up`",
    "sql-migrate": "name.sql with `-- +migrate Up`",
    "node-pg-migrate": "name.sql with `-- Up Migration`",
    "tern": "001_name.sql with `---- create above / drop below ----`",
    "yoyo": "name.sql with name.rollback.sql or `-- depends:`",
    "flyway": "V1__name.sql",
    "sqitch": "sqitch.plan with deploy/name.sql",
    "liquibase": "name.sql with `--liquibase formatted sql`, or a changelog",
    "prisma": "20240101000000_name/migration.sql",
    "drizzle": "meta/_journal.json with 0000_name.sql",
    "atlas": "20240101000000_name.sql with atlas.sum",
    "supabase": "supabase/migrations/20240101000000_name.sql",
    "sqlx": "0001_name.sql",
    "rails": "structure.sql, or migrate/20240101000000_name.rb",
    "code": "20240101000000_name.js, .ts, .php …",
}
_UNWRAPPED = re.compile(
    r"\b(CONCURRENTLY|VACUUM|CREATE\s+DATABASE|DROP\s+DATABASE|CREATE\s+TABLESPACE|DROP\s+TABLESPACE|ALTER\s+SYSTEM)\b",
    re.IGNORECASE,
)
GOOSE_MARK = re.compile(
    r"--[ \t]*\+goose[ \t]+(?P<word>up|down|no[ \t]+transaction)[ \t]*$", re.IGNORECASE | re.MULTILINE
)
DBMATE_MARK = re.compile(r"--[ \t]*migrate:(?P<word>up|down)\b(?P<options>[^\n]*)$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """The part of a file for one direction. Its text is padded with empty lines, so that line numbers in errors are the
    file's."""

    text: str
    alone: bool = False  # marked to run without a transaction


@dataclass(frozen=True)
class Layout:
    """The layout of one tool. Groups of `pattern`: version, name and, if files have a single direction, `direction`."""

    example: str
    pattern: re.Pattern[str]  # of a path relative to the folder
    mark: re.Pattern[str] | None = None  # marker in files with both directions
    split: Callable[[str], tuple[Section, Section | None]] | None = None  # into up and down; ValueError
    alone: Callable[[str, str, Mapping[str, bytes]], bool] = lambda path, text, files: False  # of one direction


def split_goose(text: str) -> tuple[Section, Section | None]:
    marks = list(GOOSE_MARK.finditer(text))
    directions = [mark for mark in marks if mark["word"].lower() in ("up", "down")]
    return sections(text, directions, "-- +goose Up", alone=lambda mark: len(directions) < len(marks))


def split_dbmate(text: str) -> tuple[Section, Section | None]:
    return sections(
        text,
        list(DBMATE_MARK.finditer(text)),
        "-- migrate:up",
        alone=lambda mark: "transaction:false" in mark["options"],
    )


def sections(
    text: str, marks: list[re.Match[str]], first: str, alone: Callable[[re.Match[str]], bool]
) -> tuple[Section, Section | None]:
    found: dict[str, Section] = {}
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(text)], strict=False):
        direction = mark["word"].lower()
        if direction in found:
            raise ValueError(f"has two sections for {direction}")
        found[direction] = Section("\n" * text.count("\n", 0, mark.end()) + text[mark.end() : end], alone(mark))
    if "up" not in found:
        raise ValueError(f"has no line `{first}`")
    return found["up"], found.get("down")


def diesel_alone(path: str, text: str, files: Mapping[str, bytes]) -> bool:
    settings = files.get(path.rpartition("/")[0] + "/metadata.toml", b"").decode("utf-8", "replace")
    return re.search(r"^\s*run_in_transaction\s*=\s*false\b", settings, re.MULTILINE) is not None


def one_statement_alone(path: str, text: str, files: Mapping[str, bytes]) -> bool:
    """golang-migrate sends a file as a whole: one statement runs without a transaction, several share one."""
    statements = without_comments(text).strip().rstrip(";")
    return ";" not in statements and _UNWRAPPED.search(statements) is not None


def flyway_alone(path: str, text: str, files: Mapping[str, bytes]) -> bool:
    settings = files.get(f"{path}.conf", b"").decode("utf-8", "replace")
    if setting := re.search(r"^\s*executeInTransaction\s*=\s*(true|false)\b", settings, re.MULTILINE):
        return setting[1] == "false"
    return _UNWRAPPED.search(without_comments(text)) is not None


_BOTH = re.compile(r"(?P<version>\d+)_(?P<name>(?![^/]*\.(?:up|down)\.sql$)[^/]+)\.sql")
RELEASE_LAYOUTS: Mapping[str, Layout] = {
    "golang-migrate": Layout(
        "0001_name.up.sql",
        re.compile(r"(?P<version>\d+)_(?P<name>[^/]*)\.(?P<direction>up|down)\.sql"),
        alone=one_statement_alone,
    ),
    "diesel": Layout(
        "0001_name/up.sql",
        re.compile(r"(?P<version>\d[\d-]*)_(?P<name>[^/]+)/(?P<direction>up|down)\.sql"),
        alone=diesel_alone,
    ),
    "flyway": Layout(
        "V1__name.sql",
        re.compile(r"(?P<direction>[VU])(?P<version>\d+(?:[._]\d+)*)__(?P<name>[^/]+)\.sql"),
        alone=flyway_alone,
    ),
    "goose": Layout("0001_name.sql with `-- +goose Up`", _BOTH, GOOSE_MARK, split_goose),
    "dbmate": Layout("0001_name.sql with `-- migrate:up`", _BOTH, DBMATE_MARK, split_dbmate),
}
