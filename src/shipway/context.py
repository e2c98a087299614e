"""The one object that every action takes: the ports, and where to report."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from shipway.domain.errors import ShipwayError, UsageError
from shipway.domain.plan import Database, Environment, Plan
from shipway.system.alive import this_process
from shipway.system.unbreakable import UnbreakableReporter

if TYPE_CHECKING:  # what every command imports must be cheap
    from shipway.ports import DatabaseTool, Edge, Images, Ledger, Linter, OneOff, Registry, Runtime, Scratch, Secrets
    from shipway.system.git import Repository
    from shipway.system.http import Probe
    from shipway.system.redact import Redactor


T = TypeVar("T")
R = TypeVar("R")


class Reporter(Protocol):
    """Where an action tells what it does. Safe to call from several threads."""

    def heading(self, text: str) -> None:
        """A new stage begins."""

    def begin(self, name: str, detail: str = "") -> None:
        """A named part begins."""

    def line(self, name: str, text: str) -> None:
        """One line of output of a named part."""

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        """A named part has ended; outcome as in domain.release, or `skipped`."""

    def note(self, text: str) -> None:
        """A sentence for the reader."""


class ToolFactory(Protocol):
    """Makes the driver of the migration tool that the plan names. `run` runs commands in the release's image, `client` in
    the database's own, and `files` gives the files of a folder of the release's image."""

    def __call__(
        self, database: Database, *, run: OneOff, client: OneOff, files: Callable[[str], dict[str, bytes]]
    ) -> DatabaseTool: ...


@dataclass(frozen=True)
class Machine:
    """One host: its engine, its edge, and probes that reach its containers."""

    name: str  # as in the plan
    runtime: Runtime
    images: Images
    edge: Edge
    probe: Callable[..., Probe]  # as system.http.probe
    probe_tcp: Callable[..., Probe]


@dataclass(frozen=True)
class Context:
    """Ports and surroundings, as seen on one host. Made by the composition root (`shipway.app`), and by tests."""

    home: Path
    actor: str  # e-mail address of the person or machine that acts
    ledger: Ledger
    secrets: Secrets
    machine: Machine
    connect: Callable[[str], Machine]  # to a host by its name in the plan; EngineError where it can't be reached
    registry: Callable[[Plan], Registry]
    tool: ToolFactory
    scratch: Callable[[str], Scratch]  # of a database server by the URL of its superuser
    clock: Callable[[], float]
    reporter: Reporter
    repository: Callable[[], Repository]  # of the working directory; RepositoryError where there is none
    redactor: Redactor
    linter: Callable[[], Linter | None] = lambda: None  # of SQL scripts, where one is installed
    retire_later: Callable[[str, str], None] = lambda app, environment: None  # see actions.retire
    cancelled: threading.Event = field(default_factory=threading.Event)
    parallel: int = max(2, os.cpu_count() or 2)

    def __post_init__(self) -> None:
        """Wrap the reporter: an action that reports can't fail by that."""
        if not isinstance(self.reporter, UnbreakableReporter):
            object.__setattr__(self, "reporter", UnbreakableReporter(self.reporter))

    def on(self, host: str) -> Context:
        """The same on that host. EngineError where it can't be reached."""
        return self if host == self.machine.name else replace(self, machine=self.connect(host))

    @property
    def runtime(self) -> Runtime:
        """Of this host."""
        return self.machine.runtime

    @property
    def images(self) -> Images:
        """Of this host."""
        return self.machine.images

    @property
    def edge(self) -> Edge:
        """Of this host."""
        return self.machine.edge

    @property
    def owner(self) -> str:
        """Who holds a lease: the person and the process, see `system.alive`."""
        return f"{self.actor} {this_process()}"

    @contextmanager
    def part(self, name: str, detail: str = "") -> Iterator[None]:
        """Report a named part with its duration and outcome."""
        started = self.clock()
        self.reporter.begin(name, detail)
        try:
            yield
        except BaseException:
            self.reporter.end(name, "failed", self.clock() - started)
            raise
        self.reporter.end(name, "succeeded", self.clock() - started)


def side_by_side(work: Callable[[T], R], items: Iterable[T], *, most: int = 32) -> list[R]:
    """Do it for all, at `most` that many at a time. The first error is raised when all have ended."""
    things = list(items)
    # Ctrl-C breaks into the main thread, and never into a call that is half done: there also one alone gets a thread.
    if not things or (len(things) == 1 and threading.current_thread() is not threading.main_thread()):
        return [work(item) for item in things]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(things), most)) as pool:
        return list(pool.map(work, things))


def attempt_all(*steps: Callable[[], object], on_error: Callable[[BaseException], None] = lambda error: None) -> None:
    """Run each step, whatever the ones before raised; then raise the first error, with what the others said in its message.

    For clean-up, where one failing step must not skip the rest. Only an interrupt ends it at once.
    """
    errors: list[BaseException] = []
    for step in steps:
        try:
            step()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            on_error(error)
            errors.append(error)
    if not errors:
        return
    if isinstance(errors[0], ShipwayError):
        others = (str(error) for error in errors[1:] if str(error) not in str(errors[0]))
        errors[0].message = "; and ".join([errors[0].message, *others])
    raise errors[0]


@contextmanager
def errors_of(host: str) -> Iterator[None]:
    """Let errors name the host, where there are several ('': there is one)."""
    try:
        yield
    except ShipwayError as error:
        if host and host not in error.message:
            error.within(host)
        raise


def environment_of(plan: Plan, name: str) -> Environment:
    """The environment of that name, where the plan has it."""
    if name not in plan.environments:
        known = ", ".join(plan.environments) or "none"
        raise UsageError(f"the plan of {plan.app} has no environment {name!r}", hint=f"it has: {known}")
    return plan.environments[name]
