"""The up migrations under traffic: the old release serves and its scenarios run repeatedly, while a watcher records
who waits for whom. What a quiet copy can't show: a migration that waits for a transaction blocks all others."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from shipway.domain.errors import MigrationFailed, ShipwayError
from shipway.domain.plan import Scenario
from shipway.domain.proof import Traffic, Wait
from shipway.domain.server_log import REPLAYED, LockWait
from shipway.domain.value import dataclass
from shipway.ports import Replayed, ScratchDatabase
from shipway.proving.clients import network_of
from shipway.proving.limit import limited
from shipway.proving.sandbox_environment import MARK, Failed, ReleaseConfig, SandboxEnvironment, open_environment
from shipway.proving.server import Server
from shipway.proving.stages import Stages
from shipway.proving.start_cause import telling_lines

TRAFFIC, MIGRATION = "traffic", "migration"
WIDTH = 300  # characters of a statement
LATE = 10.0  # seconds after the up migrations for the runs that are under way


def under_traffic(
    server: Server, database: ScratchDatabase, old: ReleaseConfig, up: Callable[[], None], began: float,
    statements: Sequence[str] = (),
) -> Traffic:  # fmt: skip
    """Run the up migrations in a clone with the old schema, which the old release uses, and which the target's `statements`
    are repeated on. began: start of the proof."""
    config = old.on(server, database)
    seen = Stages(server.sandbox.ctx.clock, began)
    with open_environment(server, TRAFFIC) as at:
        at.accessories(config.release.plan)
        try:
            with seen.stage("traffic, start"):
                at.seed(config)
                at.start(config)
            with _repeated(at, config) as loops:
                for loop in loops:
                    loop.require_one(config.release.plan.prove.timeout)
                repeated = partial(database.replay, statements)
                timeout = old.release.plan.prove.timeout
                measured = _measured(server, database, at.network, loops, repeated, up, timeout, seen)
        except Failed as error:
            why = f"not measured: the old code does not work on its own schema: {error.reason}"
            return Traffic(reason=why, stages=tuple(seen.stages))
        finally:
            at.stop(config)
    return dataclasses.replace(measured, stages=tuple(seen.stages))


def _measured(
    server: Server, database: ScratchDatabase, network: str, loops: Sequence[_Loop],
    repeated: Callable[[], AbstractContextManager[Replayed]], up: Callable[[], None], timeout: float, seen: Stages,
) -> Traffic:  # fmt: skip
    failures: list[str] = []
    with seen.stage("up under traffic"), repeated() as replayed, database.watch(waits=True) as watched:
        began = time.monotonic()
        try:
            with limited(database, timeout):
                up()
        except MigrationFailed as error:
            failures.append(f"the up migrations failed: {error.message.splitlines()[0]}")
        except TimeoutError as error:
            failures.append(f"the up migrations took longer than {timeout:g} s" + (f" ({error})" if str(error) else ""))
        ended = time.monotonic()
        deadline = ended + LATE
        for loop in loops:
            loop.wait_for_a_run_after(ended, deadline)
    runs = [(loop, run) for loop in loops for run in loop.runs if run.ended >= began and run.began <= ended]
    failures += [
        f"{loop.name} exited with {run.code}: {run.last}" if run.last else f"{loop.name} exited with {run.code}"
        for loop, run in runs
        if run.code != 0
    ]
    failures += replayed.failures
    redact = server.sandbox.ctx.redactor.text
    waits = waits_between(watched.waits, network, server.addresses(), redact)
    return Traffic(waits, tuple(dict.fromkeys(map(redact, failures))), len(runs), statements=replayed.statements)


def waits_between(
    found: Sequence[LockWait], network: str, addresses: Mapping[str, str], redact: Callable[[str], str] = str
) -> tuple[Wait, ...]:
    """The waits of traffic for the migration and the other way round, longest first; equal statements are merged.
    network: the traffic's."""

    def side(client: str) -> str:
        return TRAFFIC if client == REPLAYED or network_of(client, addresses) == network else MIGRATION

    merged: dict[tuple[str, str, str], Wait] = {}
    for item in found:
        waiting = side(item.client)
        others = [blocker for blocker in item.blockers if side(blocker.client) != waiting]
        if not others:
            continue
        statement, blocker = _short(redact(item.statement)), _short(redact(others[0].statement))
        wait = Wait(waiting, statement, blocker, item.relation, item.mode, item.start, item.seconds)
        known = merged.get((waiting, statement, blocker))
        if known:
            longest = max(known, wait, key=lambda one: one.seconds)
            wait = dataclasses.replace(longest, start=min(known.start, wait.start), count=known.count + 1)
        merged[waiting, statement, blocker] = wait
    return tuple(sorted(merged.values(), key=lambda wait: -wait.seconds))


def _short(statement: str) -> str:
    text = " ".join(statement.split())
    return text if len(text) <= WIDTH else f"{text[:WIDTH]} …"


@dataclass(frozen=True)
class _Run:
    began: float
    ended: float
    code: int
    last: str  # the most telling line of its output


class _Loop:
    """A scenario that runs again and again, in its own thread."""

    def __init__(self, at: SandboxEnvironment, config: ReleaseConfig, scenario: Scenario) -> None:
        self.name = f"{scenario.kind} {scenario.name}"
        self.runs: list[_Run] = []
        self._at, self._began = at, time.monotonic()
        self._output: list[str] = []
        self._changed = threading.Condition()
        self._container, self._over, self._error = "", False, ""
        self._thread = threading.Thread(target=self._run, args=(config, scenario), daemon=True)
        self._thread.start()

    def require_one(self, timeout: float) -> None:
        """Wait for the first run. Failed if it fails, or takes longer than `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.runs or self._over, timeout)
        if not self.runs:
            raise Failed(f"{self.name} " + (self._error or f"took longer than {timeout:g} s"))
        first = self.runs[0]
        if first.code != 0:
            raise Failed(f"{self.name} exited with {first.code}" + (f": {first.last}" if first.last else ""))

    def wait_for_a_run_after(self, moment: float, deadline: float) -> None:
        """Wait until the run that was under way at a moment has ended, at most until the deadline (monotonic)."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._over or (self.runs and self.runs[-1].ended >= moment),
                max(0.0, deadline - time.monotonic()),
            )

    def end(self) -> None:
        """Stop it, and wait for its thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._container or self._over)
        while self._thread.is_alive():  # it may not have been started yet
            self._at.end(self._container)
            self._thread.join(1.0)

    def _run(self, config: ReleaseConfig, scenario: Scenario) -> None:
        try:
            self._at.repeat(config, scenario, self._line, self._named)
        except ShipwayError as error:
            self._error = f"could not be run: {error.message}"
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _named(self, container: str) -> None:
        with self._changed:
            self._container = container
            self._changed.notify_all()

    def _line(self, line: str) -> None:
        word, _, code = line.partition(" ")
        if word != MARK or not code.isdigit():
            self._output.append(line)
            return
        now, last = time.monotonic(), telling_lines(self._output, 1)
        with self._changed:
            self.runs.append(_Run(self._began, now, int(code), last[0][:200] if last else ""))
            self._began, self._output = now, []
            self._changed.notify_all()


@contextmanager
def _repeated(at: SandboxEnvironment, config: ReleaseConfig) -> Iterator[list[_Loop]]:
    """All scenarios of the release's plan."""
    loops: list[_Loop] = []
    try:
        for scenario in config.release.plan.prove.exercise.values():
            loops.append(_Loop(at, config, scenario))
        yield loops
    finally:
        for loop in loops:
            loop.end()
