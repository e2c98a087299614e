"""Read the audit."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator

from shipway.context import Context
from shipway.domain.audit import AuditFilter, Entry, Verified, verified
from shipway.domain.errors import UsageError
from shipway.domain.renaming import Names
from shipway.domain.value import dataclass

EXPORTED = 1000  # entries read at once
FORMULAS = ("=", "+", "-", "@", "\t")  # with which a cell begins that a spreadsheet would compute


@dataclass(frozen=True)
class Shown:
    """An entry with the present names, and its end."""

    entry: Entry
    end: Entry | None

    @property
    def outcome(self) -> str:
        """How it ended, as far as that is recorded."""
        return self.end.outcome if self.end else self.entry.outcome


def shown(ctx: Context, only: AuditFilter, limit: int) -> list[Shown]:
    """The newest entries, newest first, each with its end. Apps and environments by their present names."""
    found = ctx.ledger.audit(first_names(ctx.names, dataclasses.replace(only, ends=False)), limit)
    ends = ctx.ledger.audit_ends([entry.number for entry in found])
    names = ctx.names
    return [Shown(_present(names, entry), ends.get(entry.number)) for entry in found]


def exported(ctx: Context, only: AuditFilter) -> Iterator[Entry]:
    """All entries, also ends, as they are in the chain, newest first."""
    only = first_names(ctx.names, only)
    while True:
        found = ctx.ledger.audit(only, EXPORTED)
        yield from found
        if len(found) < EXPORTED:
            return
        only = dataclasses.replace(only, before=found[-1].number)


def as_csv(entry: Entry | None) -> str:
    """A line of the export, without its end; None: the heading. No cell is a formula of a spreadsheet."""
    line = io.StringIO()
    names = [field.name for field in dataclasses.fields(Entry)]
    csv.writer(line, lineterminator="").writerow(
        [_cell(getattr(entry, name)) for name in names] if entry is not None else names
    )
    return line.getvalue()


def check(ctx: Context, head: str = "") -> Verified:
    """Whether the chain is whole. UsageError if `head` can't be a digest."""
    head = head.strip().lower()
    if head and (len(head) != 64 or not all(letter in "0123456789abcdef" for letter in head)):
        raise UsageError(
            f"{head!r} is not a digest", hint="`shipway audit verify` prints the one to note: 64 hex digits"
        )
    return verified(ctx.ledger.audit_chain(), head)


def first_names(names: Names, only: AuditFilter) -> AuditFilter:
    """With the first names of the app and the environment, as they are in the ledger."""
    app = names.app(only.app) if only.app else ""
    environment = names.environment(app, only.environment) if only.environment and app else only.environment
    return dataclasses.replace(only, app=app, environment=environment)


def _present(names: Names, entry: Entry) -> Entry:
    if not entry.app:
        return entry
    environment = names.shown(entry.app, entry.environment) if entry.environment else ""
    return dataclasses.replace(entry, app=names.shown(entry.app), environment=environment)


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
