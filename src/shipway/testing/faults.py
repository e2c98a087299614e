"""Kill a controller at any of its effects. Every call of a driver or the ledger that changes something is a numbered
point; a test runs a command once to count them, then again for each, and kills it before or after that one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

READS = {
    "ping", "list", "find", "wait", "logs", "get", "has_volume", "execute", "free_space", "disk_usage",  # of the runtime
    "inspect", "digest", "layers", "repository",  # of images and registries
    "routes", "container", "maintained", "traffic", "probe", "authority",  # of the edge
    "deployments", "release", "releases", "evidence", "approvals", "lease", "runs", "steps", "passed_step", "apps", "close",
    "current", "pending", "head", "names",  # of migration tools and secrets
}  # fmt: skip


class Killed(BaseException):
    """The controller is dead: nothing that it does from now on has an effect."""


class Death:
    """Kills a controller at its `at`-th effect: before it, or right after it. 0: never; then `effects` counts them."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.effects, self.done = at, after, 0, False
        self._guard = threading.RLock()

    def around(self, work: Callable[[], object]) -> object:
        """Do one effect, or die."""
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


class Mortal:
    """A driver of a controller that dies."""

    def __init__(self, driver: object, death: Death) -> None:
        self._driver, self._death = driver, death

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._driver, name)
        if not callable(found):
            return found
        if name in READS:
            return lambda *args, **more: self._read(found, *args, **more)
        return lambda *args, **more: self._death.around(lambda: found(*args, **more))

    def _read(self, found: Callable[..., object], *args: object, **more: object) -> object:
        if self._death.done:
            raise Killed
        return found(*args, **more)


def every(effects: int) -> Iterator[tuple[int, bool]]:
    """All points at which a controller with so many effects can die: (at, after)."""
    for at in range(1, effects + 1):
        yield at, False
        yield at, True
