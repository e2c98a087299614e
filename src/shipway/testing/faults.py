"""Inject failures around an action: its process dies, its reader closes, its ledger fails or is slow.

Kill a controller at any of its effects. Every call of a driver or the ledger that changes something is a numbered
point; a test runs a command once to count them, then once for each, and kills it before or after that one.

In memory a controller is a context created by `mortal`, and dies by an exception. The real `shipway` reads from its
environment when to die (see `from_environment`), and dies by SIGKILL: nothing is cleaned up, and its other threads are
interrupted.

    SHIPWAY_TEST_DIE=0 shipway run staging          reports on stderr at the end how many effects it had
    SHIPWAY_TEST_DIE=12,before shipway run staging  dies before the 12th
    SHIPWAY_TEST_DIE=12,after shipway run staging   dies right after it
"""

from __future__ import annotations

import atexit
import dataclasses
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from shipway.actions.environment.locks import READS
from shipway.context import Context, Machine
from shipway.domain.errors import StoreError
from shipway.drivers.platform.kubernetes_api import KubernetesApi

Result = TypeVar("Result")
ORDER = "SHIPWAY_TEST_DIE"
# And of ports without a lock: read-only commands, images, registries, migration tools and secrets.
HARMLESS = READS | {
    "execute",
    "visit",
    "inspect",
    "digest",
    "layers",
    "repository",
    "head",
    "names",
    "fingerprints",
    "ask",
    "origins",
}


class Killed(BaseException):
    """The controller is dead: from now on it has no effects."""


class Death:
    """Kills a controller before or right after its `at`-th effect. 0: never; then `effects` counts them."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.effects, self.done = at, after, 0, False
        self._guard = threading.RLock()

    def around(self, work: Callable[[], Result]) -> Result:
        """Run one effect, or die."""
        with self._guard:
            if self.done:
                raise Killed
            self.effects += 1
            self.done = self.effects == self.at
            if self.done and not self.after:
                raise Killed
            result = work()
            if self.done:
                raise Killed
            return result


class SuddenDeath(Death):
    """Kills this process itself. Its threads run in parallel as usual."""

    def around(self, work: Callable[[], Result]) -> Result:
        """Run one effect, or die."""
        with self._guard:
            self.effects += 1
            last = self.effects == self.at
        if last and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = work()
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


class Mortal:
    """A driver of a controller that dies."""

    def __init__(self, driver: object, death: Death) -> None:
        self._driver, self._death = driver, death

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._driver, name)
        if not callable(found):
            return found
        if name in HARMLESS:
            return lambda *args, **more: self._read(found, *args, **more)
        return lambda *args, **more: self._death.around(lambda: found(*args, **more))

    def _read(self, found: Callable[..., object], *args: object, **more: object) -> object:
        if self._death.done:
            raise Killed
        return found(*args, **more)


def mortal(ctx: Context, death: Death) -> Context:
    """A controller whose every effect, on any host, is a point of this death."""

    def of(driver: object) -> Any:
        return Mortal(driver, death)

    def on(machine: Machine) -> Machine:
        return dataclasses.replace(
            machine, runtime=of(machine.runtime), images=of(machine.images), edge=of(machine.edge)
        )

    cdn = ctx.cdn
    return dataclasses.replace(
        ctx, ledger=of(ctx.ledger), secrets=of(ctx.secrets), machine=on(ctx.machine),
        connect=lambda host: on(ctx.connect(host)), cluster=lambda *asked: of(ctx.cluster(*asked)), registry=lambda plan: of(ctx.registry(plan)),
        cdn=cdn and (lambda access: of(cdn(access))),
        backup_store=lambda settings, credentials: of(ctx.backup_store(settings, credentials)),
    )  # fmt: skip


class Fault:
    """Makes the `at`-th call fail (0: none; then `calls` counts them) before its effect or, with `after`, after it.
    for_good: all later calls fail too, as with a closed reader. delay: called instead of failing, for a slow one."""

    def __init__(
        self, at: int, error: Callable[[], Exception], *, after: bool = False, for_good: bool = False,
        delay: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.at, self.calls, self.done = at, 0, False
        self._error, self._after, self._for_good, self._delay = error, after, for_good, delay
        self._guard = threading.Lock()

    def around(self, work: Callable[[], Result]) -> Result:
        """Run the call, or fail."""
        with self._guard:
            self.calls += 1
            hit = self.calls == self.at or (self._for_good and self.done)
            self.done = self.done or hit
        if hit and self._delay is not None:
            self._delay()
            hit = False
        if hit and not self._after:
            raise self._error()
        result = work()
        if hit:
            raise self._error()
        return result


class Faulty:
    """A reporter, a ledger or a driver whose calls may fail. Closing it never does."""

    def __init__(self, inner: object, fault: Fault) -> None:
        self._inner, self._fault = inner, fault

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name == "close":
            return found
        return lambda *args, **more: self._fault.around(lambda: found(*args, **more))


def with_reporter(ctx: Context, fault: Fault) -> Context:
    """A controller whose reporter fails."""
    return dataclasses.replace(ctx, reporter=Faulty(ctx.reporter, fault))


def with_ledger(ctx: Context, fault: Fault) -> Context:
    """A controller whose ledger fails."""
    ledger: Any = Faulty(ctx.ledger, fault)
    return dataclasses.replace(ctx, ledger=ledger)


def broken_pipe() -> Exception:
    """The error of a reporter whose reader is closed, such as the `git push` that started it."""
    return BrokenPipeError(errno.EPIPE, "Broken pipe")


def lost_connection() -> Exception:
    """The error of a ledger on a server."""
    return StoreError("the ledger can't be used: server closed the connection unexpectedly")


def from_environment(ctx: Context) -> Context:
    """A context that dies as this process's environment says, which child processes don't inherit."""
    at, _, moment = os.environ.pop(ORDER).partition(",")
    death = SuddenDeath(int(at), after=moment == "after")
    if not death.at:
        atexit.register(lambda: sys.stderr.write(f"effects: {death.effects}\n"))
    _at_requests(death)
    return mortal(ctx, death)


def _at_requests(death: Death) -> None:
    """Also at each change that the driver of a cluster asks an API server for: one of its calls has several."""
    answered = KubernetesApi._answer

    def answer(
        self: KubernetesApi, method: str, target: str, body: bytes | None, headers: Mapping[str, str], what: str
    ) -> bytes:
        if method == "GET" or "dryRun=" in target:
            return answered(self, method, target, body, headers, what)
        return death.around(lambda: answered(self, method, target, body, headers, what))

    KubernetesApi._answer = answer  # type: ignore[method-assign]


def every(effects: int) -> Iterator[tuple[int, bool]]:
    """All points at which a controller with this many effects can die: (at, after)."""
    for at in range(1, effects + 1):
        yield at, False
        yield at, True
