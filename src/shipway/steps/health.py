"""Health probes from a container's start on; Docker's health interval would cost seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager

from shipway.context import Context
from shipway.domain.container import ContainerInfo
from shipway.domain.count import counted
from shipway.domain.errors import DeployFailed, EngineError, Interrupted
from shipway.domain.plan import Health
from shipway.steps.starting import explanation
from shipway.system.probe import AGENT
from shipway.system.redact import Lines

LOG_LINES = 20
LOG_WIDTH = 300  # characters; lines of a JSON access log have a thousand
LOG_SEARCHED = 1000  # last lines searched for those not caused by probes
STEADY = 0.5  # seconds that a container without a health check must stay up before the switch
SETTLED = 3.0  # seconds from its start that it must stay up for a deployment to succeed
TRY = 2.0  # seconds that one request may take
TURN = 5.0  # seconds after which the next container starts although this one isn't healthy yet
PAUSE = 0.1  # seconds between checks of a container, or of a command in it

Waiting = tuple[str, Health | None, int | None]  # container, health check, port that it listens on


def wait_healthy(
    ctx: Context,
    waiting: Sequence[Waiting],
    *,
    headers: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Wait for all of them in parallel. headers: of requests to health paths, beside those of the plan.

    Raises DeployFailed with the last log lines as soon as one exits or isn't healthy in time, and stops waiting for the
    others; raises Interrupted once `stop` is set.
    """
    if not waiting:
        return
    with _probing(ctx, len(waiting), headers or {}, stop) as (pool, prober):
        for future in as_completed([pool.submit(prober.wait, *item) for item in waiting]):
            future.result()


def start_in_turn(
    ctx: Context,
    starts: Sequence[tuple[Callable[[], None], Waiting]],
    at_once: int,
    *,
    headers: Mapping[str, str],
    stop: threading.Event,
) -> None:
    """Start containers, `at_once` at a time, and wait for those with a health check. A turn ends when the container is
    healthy, or after TURN seconds (at most half of its time to become so): one may need the next. Raises as
    `wait_healthy`, and starts no further ones then."""
    turns: dict[Future[None], float] = {}  # their ends

    def in_turn() -> list[Future[None]]:
        for future in turns:
            if future.done():
                future.result()
        return [future for future, end in turns.items() if not future.done() and ctx.clock() < end]

    with _probing(ctx, max(1, len(starts)), headers, stop) as (pool, prober):
        for start, waiting in starts:
            while len(now := in_turn()) >= at_once:
                wait(now, PAUSE, FIRST_COMPLETED)
            lasts = min(TURN, waiting[1].timeout / 2) if waiting[1] else TURN
            turns[pool.submit(_start, prober, start, waiting)] = ctx.clock() + lasts
        for future in as_completed(turns):
            future.result()


def _start(prober: _Prober, start: Callable[[], None], waiting: Waiting) -> None:
    start()
    if waiting[1]:
        prober.wait(*waiting)


@contextmanager
def _probing(
    ctx: Context, count: int, headers: Mapping[str, str], stop: threading.Event | None
) -> Iterator[tuple[ThreadPoolExecutor, _Prober]]:
    """Threads, and a prober whose waits end when the block fails or `stop` is set."""
    failed = threading.Event()
    with ThreadPoolExecutor(count) as pool:
        try:
            yield pool, _Prober(ctx, headers, lambda: failed.is_set() or (stop is not None and stop.is_set()))
        except BaseException:
            failed.set()
            raise


def require_running(ctx: Context, names: Sequence[str]) -> None:
    """DeployFailed for the first of these containers that doesn't run, or is crash-looping."""
    for name in names:
        _running(ctx, name, ctx.clock())


def _running(ctx: Context, name: str, now: float | None = None) -> ContainerInfo:
    """now: if given, a restart some seconds ago counts as a crash."""
    container = ctx.runtime.find(name)
    if container is None or container.state in ("exited", "dead", "restarting"):
        raise _failed(ctx, name, "it exited" + _code(container))
    if now is not None and container.crash_looping(now):
        raise _failed(
            ctx, name, f"it is crash-looping: the Docker Engine restarted it {counted(container.restarts, 'time')}"
        )
    return container


Seen = tuple[bool, str, bool]  # whether it is healthy, what was seen, and whether that is an answer


class _Prober:
    """Probes containers until they are healthy. given_up: whether the result is no longer needed."""

    def __init__(self, ctx: Context, headers: Mapping[str, str], given_up: Callable[[], bool]) -> None:
        self._ctx, self._headers, self._given_up = ctx, headers, given_up

    def wait(self, name: str, health: Health | None, port: int | None) -> None:
        deadline = self._ctx.clock() + (health.timeout if health else STEADY)
        first = self._uninterrupted(name)
        container, looked, answer = first, self._ctx.clock(), ""
        while True:
            self._check_cancelled()
            if self._ctx.clock() >= looked + PAUSE or not any(container.addresses.values()):
                container, looked = self._uninterrupted(name, first), self._ctx.clock()
            late = self._ctx.clock() >= deadline
            hurried = self._ctx.clock() > deadline - TRY  # what then gives no answer may have had no time for it
            healthy, seen, answered = self._probe(container, health, port, deadline) if health else (late, "", True)
            answer = seen if answered else answer
            if healthy:
                self._uninterrupted(name, first)
                return
            if health and late:
                told = answer if hurried and answer else seen
                raise _failed(self._ctx, name, f"not healthy within {health.timeout:g} s: {told}")
            self._ctx.cancelled.wait(health.interval if health else PAUSE)

    def _uninterrupted(self, name: str, first: ContainerInfo | None = None) -> ContainerInfo:
        """The container, which runs and was not restarted since its first check."""
        container = _running(self._ctx, name)
        if first is not None and container.restarts > first.restarts:
            raise _failed(self._ctx, name, "it exited, and the Docker Engine restarted it")
        return container

    def _check_cancelled(self) -> None:
        if self._ctx.cancelled.is_set() or self._given_up():
            raise Interrupted("interrupted while waiting for health")

    def _probe(self, container: ContainerInfo, health: Health, port: int | None, deadline: float) -> Seen:
        if health.path or health.tcp:
            seen = self._reach(container, health, port, deadline)
            if not seen[0] or not health.command:
                return seen
        return self._command(container, health.command or "true", deadline)

    def _reach(self, container: ContainerInfo, health: Health, port: int | None, deadline: float) -> Seen:
        address = next((item for item in container.addresses.values() if item), None)
        if address is None or port is None:
            return False, "it has no address yet", False
        patience = max(PAUSE, min(TRY, deadline - self._ctx.clock()))
        if health.path:
            headers = {**self._headers, **health.headers}
            probe = self._ctx.machine.probe(address, port, health.path, patience, headers)
            return probe.ok, f"GET {health.path}: {probe.detail}", probe.status is not None
        probe = self._ctx.machine.probe_tcp(address, port, patience)
        return probe.ok, f"port {port}: {probe.detail}", probe.ok

    def _command(self, container: ContainerInfo, command: str, deadline: float) -> Seen:
        """Run it in a thread and wait only for the remaining time: it may hang, or write forever."""
        outcome: list[tuple[int, str] | BaseException] = []

        def run() -> None:
            try:
                outcome.append(self._ctx.runtime.execute(container.name, ["sh", "-c", command]))
            except BaseException as error:
                outcome.append(error)

        running = threading.Thread(target=run, daemon=True)
        running.start()
        while running.is_alive():
            running.join(PAUSE)
            if running.is_alive() and self._ctx.clock() >= deadline:
                return False, f"`{command}` did not finish", False
            if running.is_alive():
                self._check_cancelled()
        found = outcome[0]
        if isinstance(found, EngineError):  # it has ended since: the next check reports how
            return False, str(found), True
        if isinstance(found, BaseException):
            raise found
        code, output = found
        return code == 0, f"`{command}` exited with {code}: {self._ctx.redactor.text(output).strip()[-200:]}", True


def _code(container: ContainerInfo | None) -> str:
    return "" if container is None or container.exit_code is None else f" with code {container.exit_code}"


def _failed(ctx: Context, name: str, why: str) -> DeployFailed:
    lines = _last_lines(ctx, name)
    log = "".join(f"\n  {name} │ {line}" for line in lines) or "\n  (no output)"
    fault = explanation(ctx, name, "\n".join(lines))
    if fault:
        why = f"{why}: {fault[0]}"
    return DeployFailed(f"{name}: {why}\nits last lines:{log}", hint=fault[1] if fault else "")


def _last_lines(ctx: Context, name: str) -> list[str]:
    """The container's own last lines, without those of the probes, which would hide them."""
    found = list(ctx.runtime.logs(name, tail=LOG_SEARCHED)) if ctx.runtime.find(name) else []
    masked = Lines(ctx.redactor)
    lines = [masked.line(line) for line in found if AGENT not in line][-LOG_LINES:]
    lines = [line if len(line) <= LOG_WIDTH else f"{line[:LOG_WIDTH]} …" for line in lines]
    probes = sum(AGENT in line for line in found)
    return [*lines, f"({probes} lines about Shipway's own probes omitted)"] if probes else lines
