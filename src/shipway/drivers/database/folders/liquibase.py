"""Liquibase: changesets in SQL files, in the order of a master changelog or of the files' names.

Reference: Liquibase's documentation of formatted SQL changelogs. Preconditions are taken as fulfilled, and changesets of
every context are run, as `liquibase update` does without --contexts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shipway.domain.value import dataclass
from shipway.drivers.database.folders import liquibase_changelog as changelog
from shipway.drivers.database.folders.delimiters import respell
from shipway.drivers.database.folders.dialects import canonical
from shipway.drivers.database.folders.files import Files, Unreadable
from shipway.drivers.database.folders.model import Entry, Layout, Reading
from shipway.drivers.database.migration import Migration, Skipped, SqlFile

HEADER = re.compile(r"\A\s*--[ \t]*liquibase[ \t]+formatted[ \t]+sql", re.IGNORECASE)
_CHANGESET = re.compile(
    r"^[ \t]*--[ \t]*changeset[ \t]+(?P<id>\"[^\"]*\"|'[^']*'|[^\n]*?)(?P<attributes>(?:[ \t]+[\w-]+:[^\n]*)?)$",
    re.I | re.M,
)
_ATTRIBUTE = re.compile(r"(?P<key>[\w-]+):(?P<value>\"[^\"]*\"|'[^']*'|[^\s]*)")
_ROLLBACK = re.compile(r"^[ \t]*--[ \t]*rollback\b[ \t]?(?P<sql>[^\n]*)$", re.I | re.M)
_ROLLBACK_BLOCK = re.compile(r"/\*[ \t]*liquibase[ \t]+rollback\b(?P<sql>.*?)\*/", re.I | re.S)
_PROPERTY = re.compile(r"^[ \t]*--[ \t]*property[ \t]+(?P<attributes>[^\n]*)$", re.I | re.M)
_PARAMETER = re.compile(r"\$\{([\w.-]+)\}")
_NOTHING = re.compile(r"\s*(?:empty|none|not required)\s*;?\s*", re.I)
_REFERENCE = re.compile(r"\s*changeset(?:id)?:\s*(?P<id>\S+)(?:.*?changesetauthor:\s*(?P<author>\S+))?.*", re.I | re.S)
REMEDY = "add `--rollback` lines to the changeset"


@dataclass(frozen=True)
class Changeset:
    """A changeset of a SQL file, as it is written."""

    file: str
    author: str
    id: str
    attributes: Mapping[str, str]
    text: str  # padded with empty lines, so that line numbers are the file's

    @property
    def name(self) -> str:
        return f"{self.author}:{self.id}" if self.author else self.id

    @property
    def dialects(self) -> tuple[list[str], list[str]]:
        """Those that it is for, and those that it isn't for."""
        names = [name.strip().lower() for name in self.attributes.get("dbms", "").split(",") if name.strip()]
        names = [name for name in names if name not in ("all", "none")]
        return (
            [canonical(name) for name in names if not name.startswith("!")],
            [canonical(name[1:]) for name in names if name.startswith("!")],
        )


def changesets(file: str, text: str) -> list[Changeset]:
    """The changesets of a file."""
    marks = list(_CHANGESET.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    found = []
    for mark, end in zip(marks, ends, strict=False):
        author, colon, number = _bare(mark["id"].strip()).partition(":")
        attributes = {
            item["key"].lower(): _bare(item["value"]) for item in _ATTRIBUTE.finditer(mark["attributes"] or "")
        }
        body = "\n" * text.count("\n", 0, mark.end()) + text[mark.end() : end]
        found.append(
            Changeset(file, _bare(author) if colon else "", _bare(number if colon else author), attributes, body)
        )
    return found


def _bare(text: str) -> str:
    return text.strip().strip("\"'")


def read(files: Files, dialect: str | None = None) -> Reading:
    listed = changelog.listed(files)
    found: list[Changeset | Skipped] = []
    used = set(listed.used)
    for item in listed.items:
        if isinstance(item, Skipped):
            found.append(item)
            continue
        try:
            text = files.text(item)
        except Unreadable as error:
            found.append(Skipped(files.names[item], files.names[item], error.reason))
            continue
        used.add(files.names[item])
        if HEADER.match(text):
            found += _with_properties(changesets(files.names[item], text), text)
        elif listed.master:
            found.append(Changeset(files.names[item], "", "raw", {}, text))
    return Reading(tuple(_entries(found, dialect)), frozenset(used))


def _entries(found: Sequence[Changeset | Skipped], dialect: str | None) -> Iterable[Entry]:
    own = [item for item in found if isinstance(item, Changeset)]
    uses = Counter(item.name for item in own)
    by_name = {item.name: item for item in own}
    for item in found:
        if isinstance(item, Skipped):
            yield item
            continue
        if item.id == "raw" and not item.author:
            version = item.file
        else:
            version = item.name if uses[item.name] == 1 else f"{item.file}::{item.id}::{item.author}"
        wanted, unwanted = item.dialects
        if dialect and ((wanted and dialect not in wanted) or dialect in unwanted):
            yield Skipped(version, item.file, f"is only for {item.attributes['dbms']}")
        elif item.attributes.get("ignore", "").lower() == "true":
            yield Skipped(version, item.file, "has the attribute `ignore`")
        elif parameter := _PARAMETER.search(item.text):
            yield Skipped(version, item.file, f"uses the parameter ${{{parameter[1]}}}, which the file does not define")
        else:
            yield _migration(version, item, by_name)


def _migration(version: str, item: Changeset, others: Mapping[str, Changeset]) -> Migration:
    alone = item.attributes.get("runintransaction", "").lower() == "false"
    up = _ROLLBACK_BLOCK.sub(_blank, _ROLLBACK.sub("", item.text))
    down = _down(item, others)
    remedy = "" if down is not None else REMEDY
    file = SqlFile(item.file, _statements(item, up), alone)
    undo = None if down is None else SqlFile(item.file, _statements(item, down), alone)
    return Migration(version, item.id, file, undo, remedy)


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _down(item: Changeset, others: Mapping[str, Changeset]) -> str | None:
    """The rollback statements; empty if there is explicitly nothing to do, None if there are none."""
    parts: list[tuple[int, str]] = []
    for pattern in (_ROLLBACK, _ROLLBACK_BLOCK):
        parts += [(match.start("sql"), match["sql"]) for match in pattern.finditer(item.text)]
    if not parts:
        return None
    text, line = "", 0
    for start, sql in sorted(parts):
        here = item.text.count("\n", 0, start)
        text += "\n" * max(0, here - line) + sql
        line = max(here, line) + sql.count("\n")
    if _NOTHING.fullmatch(text):
        return ""
    if reference := _REFERENCE.fullmatch(text):
        other = others.get(f"{reference['author']}:{reference['id']}")
        return _ROLLBACK.sub("", other.text) if other else None
    return text


def _statements(item: Changeset, text: str) -> str:
    delimiter = item.attributes.get("enddelimiter", "").replace("\\n", "\n")
    if delimiter in ("", ";"):
        return text
    if delimiter.isalpha() or delimiter.startswith("\n") or delimiter == "/":  # GO, or a sign on a line of its own
        return re.sub(rf"^[ \t]*{re.escape(delimiter.strip())}[ \t]*$", _line_end(text), text, flags=re.I | re.M)
    return respell(text, delimiter)


def _line_end(text: str) -> str:
    return ";" if not re.search(r";[ \t]*$", text, re.M) else ""


def _with_properties(found: Sequence[Changeset], text: str) -> list[Changeset]:
    values: dict[str, str] = {}
    for match in _PROPERTY.finditer(text):
        own = {item["key"].lower(): _bare(item["value"]) for item in _ATTRIBUTE.finditer(match["attributes"])}
        if "dbms" not in own:
            values.setdefault(own.get("name", ""), own.get("value", ""))
    return [
        replace(item, text=_PARAMETER.sub(lambda match: values.get(match[1], match[0]), item.text)) for item in found
    ]


def dialects(files: Files) -> set[str]:
    """Those that changesets are limited to."""
    found: set[str] = set()
    for name in files:
        if name.endswith(".sql"):
            try:
                text = files.text(name)
            except Unreadable:
                continue
            if HEADER.match(text) and "dbms" in text:
                for item in changesets(name, text):
                    found.update(item.dialects[0])
    return found


def _fits(files: Files) -> bool:
    for name in files:
        if name.endswith(".sql"):
            try:
                if HEADER.match(files.text(name)):
                    return True
            except Unreadable:
                continue
    return changelog.master(files) is not None


LIQUIBASE = Layout(_fits, read)
