"""A world in memory: one engine, edge and database that stay, and controllers that come and die at any call."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shipway.context import Context, Machine
from shipway.domain.plan import Database, Environment
from shipway.domain.release import SUCCEEDED, Release
from shipway.drivers.secrets.file import FileSecrets
from shipway.store import open_ledger
from shipway.system.redact import Redactor
from shipway.testing.memory import Behaviour, MemoryEdge, MemoryImages, MemoryRuntime
from shipway.testing.memory_calls import Recorder
from tests.unit.domain import samples

READS = {
    "ping", "list", "find", "wait", "logs", "get", "has_volume", "free_space", "disk_usage", "execute", "routes", "container", "inspect",
    "deployments", "release", "releases", "evidence", "approvals", "lease", "runs", "steps", "passed_step", "close",
    "apps", "layers", "current", "pending", "head", "names", "probe",
}  # fmt: skip


class Killed(BaseException):
    """The controller is dead: nothing that it does from now on has an effect."""


class World:
    """`now` moves a little with each look at the clock. `kill_at`: the effect at which the next controller dies."""

    def __init__(self, folder: Path) -> None:
        self.images = MemoryImages(public=["postgres:15"])
        self.runtime = MemoryRuntime()
        self.edge = MemoryEdge()
        self.database = MemoryDatabase()
        self.now = 1000.0
        self.notes: list[str] = []
        self.later: list[tuple[str, str]] = []  # calls of retire_later
        self._folder = folder
        self._owners = 0
        self.runtime.behave("*_job_*", Behaviour(exit_code=0))
        FileSecrets(folder / "secrets").set("shop/staging", "KEY", "secret-key")
        self.ledger = open_ledger(folder / "ledger.db")

    def controller(self, *, dies: Death | None = None) -> Context:
        """A new process."""
        self._owners += 1
        mortal: Callable[[object], Any] = (lambda driver: Mortal(driver, dies)) if dies else (lambda driver: driver)
        database = mortal(self.database)
        machine = Machine(
            "local", mortal(self.runtime), mortal(self.images), mortal(self.edge), self.runtime.probe, self.runtime.probe_tcp
        )
        return Context(
            home=self._folder, actor=f"controller-{self._owners}", ledger=mortal(open_ledger(self._folder / "ledger.db")),
            secrets=mortal(FileSecrets(self._folder / "secrets")), machine=machine,
            connect=lambda name: machine, registry=lambda plan: self.images.registry,  # type: ignore[arg-type, return-value]
            tool=lambda name, *, run, client, files, folder: MemoryTool(database, folder or ""),
            clock=self.clock, reporter=Notes(self.notes),
            repository=lambda: None,  # type: ignore[arg-type, return-value]
            redactor=Redactor({}), retire_later=lambda app, environment: self.later.append((app, environment)),
            cancelled=Impatient(),
        )  # fmt: skip

    def clock(self) -> float:
        """Seconds since the epoch."""
        self.now += 0.02
        return self.now

    def release(self, number: int, schema: str = "0001", environment: Environment = samples.STAGING) -> Release:
        """A release whose images are on the engine, in the ledger."""
        plan = dataclasses.replace(
            samples.PLAN, database=Database("db", "backend", "memory", schema), environments={environment.name: environment}
        )
        made = dataclasses.replace(samples.release(number, schema), plan=plan, tree=f"tree-{number}", digest="")
        for image in made.images.values():
            self.images.public.add(image)
        return self.ledger.add_release(made)

    # what a person sees

    def serving(self) -> set[int]:
        """Releases that the edge sends requests to; -1 where a container behind it doesn't answer."""
        found = set()
        for path in ("/", "/api"):
            release, upstream = self.edge.request("staging.shop.localhost", 8080, path)
            if release is not None:
                container = self.runtime.find(upstream.removeprefix("http://").partition(":")[0])
                up = container is not None and container.running and container.labels["shipway.release"] == str(release)
                found.add(release if up else -1)
        return found

    def state(self) -> Mapping[str, object]:
        """All that a deployment leaves."""
        containers = self.runtime.containers.values()
        return {
            "containers": {item.info.name: item.info.state for item in containers},
            "rotation": sorted(self.runtime.networks.get("shipway_shop_staging_rotation", ())),
            "serving": self.serving(),
            "schema": list(self.database.applied),
            "good": [item.release for item in self.ledger.deployments("shop", "staging") if item.outcome == SUCCEEDED][:1],
            "pending": [item.id for item in self.ledger.deployments("shop", "staging") if item.outcome == "pending"],
        }


class Impatient(threading.Event):
    """The world's time doesn't wait."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


class MemoryDatabase(Recorder):
    """`applied`: revisions, oldest first; all that exist are numbered 0001, 0002 …"""

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[str] = []

    def apply(self, revision: str) -> None:
        with self._call("apply", revision):
            self.applied.append(revision)

    def revert(self) -> None:
        with self._call("revert", self.applied[-1]):
            self.applied.pop()


@dataclasses.dataclass(frozen=True)
class MemoryTool:
    """A DatabaseTool whose image brings all revisions up to `newest`."""

    database: Any
    newest: str

    def head(self) -> str:
        return self.newest

    def current(self) -> str | None:
        return self.database.applied[-1] if self.database.applied else None

    def pending(self) -> list[str]:
        return [f"{number:04}" for number in range(len(self.database.applied) + 1, int(self.newest) + 1)]

    def up(self, on_line: Callable[[str], None]) -> None:
        for revision in self.pending():
            self.database.apply(revision)

    def down(self, to: str | None, on_line: Callable[[str], None]) -> None:
        while self.database.applied and self.database.applied[-1] != to:
            self.database.revert()


class Death:
    """Kills a controller at its `at`-th effect: before it, or right after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after, self.effects, self.done = at, after, 0, False
        self._guard = threading.Lock()

    def around(self, work: Callable[[], object]) -> object:
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


class Notes:
    """A reporter that keeps what it is told."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def heading(self, text: str) -> None:
        self._lines.append(text)

    note = heading

    def begin(self, name: str, detail: str = "") -> None:
        self._lines.append(f"{name} {detail}")

    def line(self, name: str, text: str) -> None:
        self._lines.append(f"{name} │ {text}")

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        self._lines.append(f"{name} {outcome} {detail}")


def every(effects: int) -> Iterator[tuple[int, bool]]:
    """All points at which a controller with so many effects can die."""
    for at in range(1, effects + 1):
        yield at, False
        yield at, True

