"""A migration tool that gives up a lock rather than let requests wait, and tries again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from shipway.actions.environment.rest_of_failure import RestOfFailure
from shipway.context import Context
from shipway.domain.blocking_session import BlockingSession
from shipway.domain.count import counted
from shipway.domain.errors import Interrupted, MigrationFailed, ShipwayError
from shipway.domain.own_tables import OwnTables
from shipway.domain.plan import Database
from shipway.ports import DatabaseServer, DatabaseTool, OneOff, OnLine
from shipway.system.durations import human

SHOWN = 12  # lines of a difference
SHORTEST, LONGEST = 0.2, 2.0  # seconds between two looks at the sessions that hold locks


class PatientTool:
    """See ports.DatabaseTool. While the sessions of its migrations have a time limit for locks, `up` and `down` are
    repeated after a pause, in which requests go on. ctx: of the host of the database's container. ask: runs a command of
    the server. addresses: of the containers in which the tool runs now."""

    def __init__(
        self, ctx: Context, tool: DatabaseTool, server: DatabaseServer, database: Database, ask: OneOff,
        addresses: Callable[[], Sequence[str]] = tuple,
    ) -> None:  # fmt: skip
        self._ctx, self._tool, self._server, self._database, self._ask = ctx, tool, server, database, ask
        self._addresses = addresses
        self._rest = RestOfFailure(server, ask)

    def head(self) -> str | None:
        return self._tool.head()

    def current(self) -> str | None:
        return self._tool.current()

    def pending(self) -> list[str]:
        return self._tool.pending()

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        for target in self._targets(to):
            self._patiently(partial(self._tool.up, on_line, target))

    def down(self, to: str | None, on_line: OnLine) -> None:
        self._patiently(lambda: self._tool.down(to, on_line))

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        return self._tool.scripts(revisions)

    def own_tables(self) -> OwnTables:
        return self._tool.own_tables()

    def _targets(self, to: str | None) -> Sequence[str | None]:
        """Of the calls that migrate up: one for each migration where a failure can't be undone, since what the migrations
        before it have changed would count as left by it. An empty database has no requests to wait for: all at once."""
        if self._server.atomic_migrations or not self._database.lock_timeout or self._database.tool == "command":
            return [to]
        pending = self._tool.pending()
        if len(pending) < 2 or self._tool.current() is None:
            return [to]
        return pending[: pending.index(to) + 1] if to in pending else pending

    def _patiently(self, work: Callable[[], None]) -> None:
        before = self._rest.schema()
        for remaining in range(self._database.lock_retries, -1, -1):
            with self._watch() as seen:
                try:
                    return work()
                except MigrationFailed as error:
                    failure = error
            if left := self._rest.since(before):
                raise self._half_applied(failure, left) from failure
            limit = self._server.timed_out(failure.message)
            if limit == "statement":
                raise _too_slow(failure, self._database) from failure
            if limit is None:
                raise failure
            if not remaining:
                raise self._no_lock(failure, seen) from failure
            self._pause(seen, remaining)

    def _half_applied(self, failure: MigrationFailed, left: Sequence[str]) -> MigrationFailed:
        shown = "\n".join(f"  {line}" for line in [*left[:SHOWN], *(["  …"] if len(left) > SHOWN else [])])
        return MigrationFailed(
            f"{failure.message}\n{self._server.product} can't undo changes of a schema; since the migrations began, it has changed:"
            f"\n{shown}",
            hint="undo by hand what the failed migration has changed, or restore the database from the snapshot; then deploy again",
        )

    def _pause(self, seen: Sequence[BlockingSession], remaining: int) -> None:
        pause, limit = self._database.lock_pause, human(self._database.lock_timeout)
        self._ctx.reporter.note(
            f"a migration didn't get a lock within {limit} (`lock_timeout`), and gave it up, so that requests don't wait "
            f"behind it; {_holders(seen)}\nnext attempt in {human(pause)}, {remaining} remaining"
        )
        self._ctx.cancelled.wait(pause)
        if self._ctx.cancelled.is_set():
            raise Interrupted("interrupted while waiting for a lock of the database")

    def _no_lock(self, failure: MigrationFailed, seen: Sequence[BlockingSession]) -> MigrationFailed:
        attempts = counted(self._database.lock_retries + 1, "attempt")
        which = "that session" if len(seen) == 1 or (seen and seen[0].certain) else "the oldest one"
        remedy = f"; this ends {which}: {seen[0].remedy}" if seen else ""
        return MigrationFailed(
            f"{failure.message}\nit didn't get a lock in {attempts} of {human(self._database.lock_timeout)}; {_holders(seen)}",
            hint=f"deploy again once the session has ended{remedy}; or change `lock_timeout` and `lock_retries` in the plan",
        )

    @contextmanager
    def _watch(self) -> Iterator[Sequence[BlockingSession]]:
        """The sessions that hold a lock which a migration waits for, as last seen in the block."""
        seen: list[BlockingSession] = []
        over = threading.Event()
        thread = threading.Thread(target=self._look, args=(seen, over), daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()

    def _look(self, seen: list[BlockingSession], over: threading.Event) -> None:
        limit = f"{self._database.lock_timeout:g}"
        while self._database.lock_timeout and not over.wait(
            min(max(self._database.lock_timeout / 3, SHORTEST), LONGEST)
        ):
            try:
                code, output = self._ask(self._server.command("blockers", limit, *self._addresses()))
            except ShipwayError:  # it only explains
                return
            found = self._server.blocking(output) if code == 0 else []
            if found:
                seen[:] = found


def _holders(seen: Sequence[BlockingSession]) -> str:
    if not seen:
        return "the session that held it was not seen"
    sessions = "; ".join(map(str, seen))
    if not seen[0].certain:
        which = "the only open transaction is" if len(seen) == 1 else "the oldest open transactions are"
        return f"the server doesn't record which session held it; {which} of {sessions}"
    return f"held by {sessions}"


def _too_slow(failure: MigrationFailed, database: Database) -> MigrationFailed:
    limit = human(database.statement_timeout)
    return MigrationFailed(
        f"{failure.message}\na statement took longer than {limit} (`statement_timeout`)",
        hint="split the migration, or raise `statement_timeout` in `database` of the plan",
    )
