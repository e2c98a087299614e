"""Compare the verifier's verdict about random migrations with a second opinion, and reduce what they disagree about."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from shipway.domain.errors import ProofError
from shipway.domain.proof import DATA, IRREVERSIBLE, MigrationReport
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.ports import ScratchDatabase
from shipway.proving.round_trip import MigrationRange
from shipway.proving.verify import verify
from tests.conformance.scratch_lab import postgres
from tests.dump_oracle import Dumps, Observed, State, dumping, expected, look, lost
from tests.random_migrations import Example, RandomMigration, script
from tests.random_objects import ROLES

BEFORE, VERSION = "1", "2"
REJECTED = "up failed"  # in the place of a verdict


@dataclass(frozen=True)
class Outcome:
    """What the verifier found about one migration, and what fits the dumps; nothing fits a rejected one."""

    before: Sequence[str]
    migration: RandomMigration
    verdict: str
    fitting: frozenset[str] = frozenset()
    text: str = ""

    @property
    def agrees(self) -> bool:
        return self.verdict == REJECTED or self.verdict in self.fitting


class Checker:
    """`thorough`: a verdict that something was undone is tested too, which takes one more clone."""

    def __init__(self, scratch: PostgresScratch, dumps: Dumps, *, thorough: bool = False) -> None:
        self._scratch, self._dumps, self._thorough = scratch, dumps, thorough

    def check(self, example: Example) -> Iterator[Outcome]:
        """The outcome of each migration. ProofError if the schema itself can't be created."""
        template = self._scratch.create()
        try:
            template.execute(script(example.before))
            before = self._look(template)
            for migration in example.migrations:
                yield self._check(template, before, example.before, migration)
        finally:
            self._scratch.drop(template)

    def reduce(self, outcome: Outcome) -> Outcome:
        """The same kind of disagreement with as few statements as possible."""
        found = outcome
        for part in ("down", "up", "before", "down", "up"):
            at = 0
            while at < len(_statements(found, part)):
                fewer = self._again(_without(found, part, at))
                if fewer is not None and not fewer.agrees and (fewer.verdict, fewer.fitting) == (outcome.verdict, outcome.fitting):
                    found = fewer
                else:
                    at += 1
        return found

    def _again(self, outcome: Outcome) -> Outcome | None:
        try:
            return next(self.check(Example(tuple(outcome.before), (outcome.migration,))))
        except ProofError:
            return None

    def _look(self, database: ScratchDatabase, like: State | None = None) -> State:
        return look(self._dumps, database.name, database.url, like)

    def _check(self, template: ScratchDatabase, before: State, statements: Sequence[str], migration: RandomMigration) -> Outcome:
        tools: list[Observed] = []

        def tool_for(database: ScratchDatabase) -> Observed:
            tool = Observed(database, _folder(migration), BEFORE)
            tool.look_at = lambda: self._look(database, before)
            tools.append(tool)
            return tool

        report = verify(
            self._scratch, template, tool_for, mode=DATA, timeout=60.0, span=MigrationRange(BEFORE, (VERSION,)), watched=False
        )  # fmt: skip
        (tool,) = tools
        if tool.up_failed:
            return Outcome(statements, migration, REJECTED, text=tool.up_failed)
        after_up = (lambda: self._after_up(template, migration)) if self._thorough or report.verdict == IRREVERSIBLE else None
        fitting = frozenset(expected(before, tool, has_down=bool(migration.down), after_up=after_up))
        text = "" if report.verdict in fitting else describe(statements, migration, report, fitting, before, tool)
        return Outcome(statements, migration, report.verdict, fitting, text)

    def _after_up(self, template: ScratchDatabase, migration: RandomMigration) -> str:
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


def _statements(outcome: Outcome, part: str) -> Sequence[str]:
    return {"before": outcome.before, "up": outcome.migration.up, "down": outcome.migration.down or ()}[part]


def _without(outcome: Outcome, part: str, at: int) -> Outcome:
    rest = tuple(text for number, text in enumerate(_statements(outcome, part)) if number != at)
    if part == "before":
        return replace(outcome, before=rest)
    return replace(outcome, migration=replace(outcome.migration, **{part: rest}))


def describe(statements: Sequence[str], migration: RandomMigration, report: MigrationReport, fitting: frozenset[str], before: State, tool: Observed) -> str:  # fmt: skip
    """Schema, up, down, and what both sides saw."""
    down = "(no file)" if migration.down is None else script(migration.down)
    found = [f"the verifier found {report.verdict}: {'; '.join(report.reasons) or 'no reason'}", f"the dumps show {' or '.join(sorted(fitting))}"]
    if tool.after is not None:
        found += difflib.unified_diff(before.dump.splitlines(), tool.after.dump.splitlines(), "before up", "after down", n=1, lineterm="")
        found += [f"rows differ: {name}" for name in lost(before.rows, tool.after.rows) if tool.after.rows.tables]
    return "\n".join((f"--- before\n{script(statements)}--- up\n{script(migration.up)}--- down\n{down}---", *found))


@contextmanager
def checking(*, thorough: bool = False) -> Iterator[Checker]:
    """A checker on a server of its own."""
    with postgres() as (container, url):
        with psycopg.connect(url, autocommit=True) as connection:
            for role in ROLES:
                connection.execute(f"CREATE ROLE {role}".encode())
        with dumping(container) as dumps:
            yield Checker(PostgresScratch(url), dumps, thorough=thorough)
