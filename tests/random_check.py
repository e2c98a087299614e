"""Compare the verifier's verdict about random migrations with a second opinion, and reduce what they disagree about."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product

import psycopg

from shipway.domain.errors import ProofError
from shipway.domain.proof import DATA, IRREVERSIBLE, MigrationReport
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.ports import ScratchDatabase
from shipway.proving.round_trip import MigrationRange
from shipway.proving.verify import verify
from tests.conformance.scratch_lab import postgres
from tests.dump_oracle import Dump, Dumps, Observed, State, alike, dumping, expected, look, lost
from tests.random_migrations import Example, RandomMigration, script
from tests.random_objects.thing import ROLES

BEFORE, VERSION = "1", "2"
REJECTED = "up failed"  # in the place of a verdict


@dataclass(frozen=True)
class Outcome:
    """What the verifier found about one migration, and what fits the dumps."""

    before: Sequence[str]
    migration: RandomMigration
    verdict: str
    fitting: str = ""
    text: str = ""

    @property
    def agrees(self) -> bool:
        return self.verdict == REJECTED or self.verdict == self.fitting


class Checker:
    """`thorough`: a verdict that something was undone is tested too, which takes one more clone."""

    def __init__(self, scratch: PostgresScratch, dumps: Dumps, *, thorough: bool = False) -> None:
        self._scratch, self._dumps, self._thorough = scratch, dumps, thorough

    def check(self, example: Example) -> Iterator[Outcome]:
        """The outcome of each migration; none if the schema itself can't be created."""
        template = self._scratch.create()
        try:
            try:
                template.execute(script(example.before))
            except ProofError:
                return
            before = self._look(template)
            for migration in example.migrations:
                yield self._check(template, before, example.before, migration)
        finally:
            self._scratch.drop(template)

    def reduce(self, outcome: Outcome) -> Outcome:
        """The same kind of disagreement with as few statements as possible."""
        found, fewer = outcome, iter(_fewer(outcome))
        while (candidate := next(fewer, None)) is not None:
            tried = next(self.check(Example(tuple(candidate.before), (candidate.migration,))), None)
            if (
                tried is not None
                and not tried.agrees
                and (tried.verdict, tried.fitting) == (found.verdict, found.fitting)
            ):
                found, fewer = tried, iter(_fewer(tried))
        return found

    def _look(self, database: ScratchDatabase, like: State | None = None) -> State:
        return look(self._dumps, database.name, database.url, like)

    def _check(self, template: ScratchDatabase, before: State, statements: Sequence[str], migration: RandomMigration) -> Outcome:  # fmt: skip
        tools: list[Observed] = []

        def tool_for(database: ScratchDatabase) -> Observed:
            tool = Observed(database, _folder(migration), BEFORE)
            tool.look_at = None if tools else lambda: self._look(database, before)  # others repeat the migrations
            tools.append(tool)
            return tool

        report = verify(
            self._scratch, template, tool_for, mode=DATA, timeout=60.0, span=MigrationRange(BEFORE, (VERSION,)), watched=False
        )  # fmt: skip
        tool = tools[0]
        if tool.up_failed:
            return Outcome(statements, migration, REJECTED, text=tool.up_failed)
        after_up = (
            (lambda: self._after_up(template, migration)) if self._thorough or report.verdict == IRREVERSIBLE else None
        )
        fitting = expected(before, tool, has_down=bool(migration.down), after_up=after_up)
        text = "" if report.verdict == fitting else describe(statements, migration, report, fitting, before, tool)
        return Outcome(statements, migration, report.verdict, fitting, text)

    def _after_up(self, template: ScratchDatabase, migration: RandomMigration) -> Dump:
        clone = self._scratch.create(like=template)
        try:
            clone.execute(script(migration.up))
            return self._dumps.schema(clone.name)
        finally:
            self._scratch.drop(clone)


def _folder(migration: RandomMigration) -> list[Migration]:
    down = None if migration.down is None else SqlFile("2.down.sql", script(migration.down))
    return [
        Migration(BEFORE, "before", SqlFile("1.up.sql", "SELECT 1"), None),
        Migration(VERSION, "change", SqlFile("2.up.sql", script(migration.up)), down),
    ]


def _fewer(outcome: Outcome) -> Iterator[Outcome]:
    """With one statement less, or one less in both directions; the last first, since others may need the earlier ones."""
    migration = outcome.migration
    ups, downs = range(len(migration.up))[::-1], range(len(migration.down or ()))[::-1]
    for up, down in [*product(ups, downs), *((at, None) for at in ups), *((None, at) for at in downs)]:
        shorter = replace(
            migration, up=_without(migration.up, up), down=migration.down and _without(migration.down, down)
        )
        yield replace(outcome, migration=shorter)
    for at in range(len(outcome.before))[::-1]:
        yield replace(outcome, before=_without(outcome.before, at))


def _without(statements: Sequence[str], at: int | None) -> tuple[str, ...]:
    return tuple(text for number, text in enumerate(statements) if number != at)


def describe(statements: Sequence[str], migration: RandomMigration, report: MigrationReport, fitting: str, before: State, tool: Observed) -> str:  # fmt: skip
    """Schema, up, down, and what both sides saw."""
    down = "(no file)" if migration.down is None else script(migration.down)
    found = [
        f"the verifier found {report.verdict}: {'; '.join(report.reasons) or 'no reason'}",
        f"the dumps show {fitting}",
    ]
    if (after := tool.after) is not None:
        found += _diff("\n".join(before.dump), "\n".join(after.dump))
        for name in lost(before.rows, after.rows) if alike(before.dump, after.dump) else ():
            rows = [table.tables.get(name, ((), ()))[1] for table in (before.rows, after.rows)]
            found += [f"rows of {name} differ:", *_diff(*("\n".join(item) for item in rows))]
    return "\n".join((f"--- before\n{script(statements)}--- up\n{script(migration.up)}--- down\n{down}---", *found))


def _diff(before: str, after: str) -> Iterator[str]:
    return difflib.unified_diff(before.splitlines(), after.splitlines(), "before up", "after down", n=1, lineterm="")


class CatalogsOnly(PostgresScratch):
    """Leaves out the verifier's own comparison of dumps, which would hide what the catalogs lack."""

    def create(self, like: ScratchDatabase | None = None) -> ScratchDatabase:
        database = super().create(like)
        database.dump = lambda: None  # type: ignore[method-assign]
        return database


@contextmanager
def checking(*, thorough: bool = False) -> Iterator[Checker]:
    """A checker on a server of its own."""
    with postgres() as (container, url):
        with psycopg.connect(url, autocommit=True) as connection:
            for role in ROLES:
                connection.execute(f"CREATE ROLE {role}".encode())
        with dumping(container) as dumps:
            yield Checker(CatalogsOnly(url), dumps, thorough=thorough)
