"""How the tools of the field lay out folders of SQL migrations, and what they mark in the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_UNWRAPPED = re.compile(
    r"\b(CONCURRENTLY|VACUUM|CREATE\s+DATABASE|DROP\s+DATABASE|CREATE\s+TABLESPACE|DROP\s+TABLESPACE|ALTER\s+SYSTEM)\b", re.IGNORECASE
)
_GOOSE = re.compile(r"--[ \t]*\+goose[ \t]+(?P<word>up|down|no[ \t]+transaction)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_DBMATE = re.compile(r"--[ \t]*migrate:(?P<word>up|down)\b(?P<options>[^\n]*)$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """The part of a file for one way. Its text begins with as many empty lines as there are before it in the file, so that
    an error's line number is the file's."""

    text: str
    alone: bool = False  # its author says that it doesn't run in a transaction


@dataclass(frozen=True)
class Layout:
    """One tool's habit. Groups of `pattern`: version, name and, where a file is for one way, `way`."""

    example: str
    pattern: re.Pattern[str]  # of a path below the folder
    mark: re.Pattern[str] | None = None  # what files with both ways have in them
    split: Callable[[str], tuple[Section, Section | None]] | None = None  # of them: up and down. ValueError says what lacks
    alone: Callable[[str, str, Mapping[str, bytes]], bool] = lambda path, text, files: False  # of a file with one way


def without_comments(text: str) -> str:
    """Roughly: a string with `--` in it suffers."""
    return _COMMENT.sub("", text)


def _goose(text: str) -> tuple[Section, Section | None]:
    marks = list(_GOOSE.finditer(text))
    ways = [mark for mark in marks if mark["word"].lower() in ("up", "down")]
    return _sections(text, ways, "-- +goose Up", alone=lambda mark: len(ways) < len(marks))


def _dbmate(text: str) -> tuple[Section, Section | None]:
    return _sections(text, list(_DBMATE.finditer(text)), "-- migrate:up", alone=lambda mark: "transaction:false" in mark["options"])


def _sections(
    text: str, marks: list[re.Match[str]], first: str, alone: Callable[[re.Match[str]], bool]
) -> tuple[Section, Section | None]:
    found: dict[str, Section] = {}
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(text)], strict=False):
        way = mark["word"].lower()
        if way in found:
            raise ValueError(f"has two parts for {way}")
        found[way] = Section("\n" * text.count("\n", 0, mark.end()) + text[mark.end() : end], alone(mark))
    if "up" not in found:
        raise ValueError(f"has no line `{first}`")
    return found["up"], found.get("down")


def _diesel_alone(path: str, text: str, files: Mapping[str, bytes]) -> bool:
    settings = files.get(path.rpartition("/")[0] + "/metadata.toml", b"").decode("utf-8", "replace")
    return re.search(r"^\s*run_in_transaction\s*=\s*false\b", settings, re.MULTILINE) is not None


def _one_statement_alone(path: str, text: str, files: Mapping[str, bytes]) -> bool:
    """golang-migrate sends a file as it is: one statement is in no transaction, several are in one together."""
    statements = without_comments(text).strip().rstrip(";")
    return ";" not in statements and _UNWRAPPED.search(statements) is not None


def _flyway_alone(path: str, text: str, files: Mapping[str, bytes]) -> bool:
    settings = files.get(f"{path}.conf", b"").decode("utf-8", "replace")
    if told := re.search(r"^\s*executeInTransaction\s*=\s*(true|false)\b", settings, re.MULTILINE):
        return told[1] == "false"
    return _UNWRAPPED.search(without_comments(text)) is not None


_BOTH = re.compile(r"(?P<version>\d+)_(?P<name>(?![^/]*\.(?:up|down)\.sql$)[^/]+)\.sql")
LAYOUTS: Mapping[str, Layout] = {
    "golang-migrate": Layout(
        "0001_name.up.sql", re.compile(r"(?P<version>\d+)_(?P<name>[^/]*)\.(?P<way>up|down)\.sql"), alone=_one_statement_alone
    ),
    "diesel": Layout(
        "0001_name/up.sql", re.compile(r"(?P<version>\d[\d-]*)_(?P<name>[^/]+)/(?P<way>up|down)\.sql"), alone=_diesel_alone
    ),
    "flyway": Layout(
        "V1__name.sql", re.compile(r"(?P<way>[VU])(?P<version>\d+(?:[._]\d+)*)__(?P<name>[^/]+)\.sql"), alone=_flyway_alone
    ),
    "goose": Layout("0001_name.sql with `-- +goose Up`", _BOTH, _GOOSE, _goose),
    "dbmate": Layout("0001_name.sql with `-- migrate:up`", _BOTH, _DBMATE, _dbmate),
}
