"""The context object that every action takes: ports, settings and reporter."""

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

if TYPE_CHECKING:  # keeps imports of every command cheap
    from shipway.ports import DatabaseTool, Edge, Images, Ledger, Linter, OneOff, Registry, Runtime, Scratch, Secrets
    from shipway.system.git import Repository
    from shipway.system.http import Probe
    from shipway.system.redact import Redactor


T = TypeVar("T")
R = TypeVar("R")


class Reporter(Protocol):
    """Receives an action's progress. Safe to call from several threads."""

    def heading(self, text: str) -> None:
        """Start a new stage."""

    def begin(self, name: str, detail: str = "") -> None:
        """Start a named part."""

    def line(self, name: str, text: str) -> None:
        """Add a line of a named part's output."""

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        """End a named part; outcome as in domain.release, or `skipped`."""

    def note(self, text: str) -> None:
        """Add a message for the user."""


class ToolFactory(Protocol):
    """Creates the driver of the plan's migration tool. `run` runs commands in the release's image, `client` in the
    database's own, and `files` returns the files of a folder of the release's image."""

    def __call__(
        self, database: Database, *, run: OneOff, client: OneOff, files: Callable[[str], dict[str, bytes]]
    ) -> DatabaseTool: ...


@dataclass(frozen=True)
class Machine:
    """A host with its engine, its edge, and probes that reach its containers."""

    name: str  # as in the plan
    runtime: Runtime
    images: Images
    edge: Edge
    probe: Callable[..., Probe]  # as system.http.probe
    probe_tcp: Callable[..., Probe]


@dataclass(frozen=True)
class Context:
    """Ports and settings of one host. Created by the composition root (`shipway.app`), and by tests."""

    home: Path
    actor: str  # e-mail address of the acting person or machine
    ledger: Ledger
    secrets: Secrets
    machine: Machine
    connect: Callable[[str], Machine]  # to a host by its name in the plan; EngineError if it is unreachable
    registry: Callable[[Plan], Registry]
    tool: ToolFactory
    scratch: Callable[[str], Scratch]  # of a database server, by the URL of its superuser
    clock: Callable[[], float]
    reporter: Reporter
    repository: Callable[[], Repository]  # of the working directory; RepositoryError if there is none
    redactor: Redactor
    linter: Callable[[], Linter | None] = lambda: None  # of SQL scripts, if installed
    background: bool = True  # whether a background process outlives the command; not so in a hosted job
    retire_later: Callable[[str, str], None] = lambda app, environment: None  # see actions.retire
    cancelled: threading.Event = field(default_factory=threading.Event)
    parallel: int = max(2, os.cpu_count() or 2)

    def __post_init__(self) -> None:
        """Wrap the reporter, so that a failing report can't fail the action."""
        if not isinstance(self.reporter, UnbreakableReporter):
            object.__setattr__(self, "reporter", UnbreakableReporter(self.reporter))

    def on(self, host: str) -> Context:
        """The context of that host. EngineError if it is unreachable."""
        return self if host == self.machine.name else replace(self, machine=self.connect(host))

    @property
    def runtime(self) -> Runtime:
        """The runtime of this host."""
        return self.machine.runtime

    @property
    def images(self) -> Images:
        """The images of this host."""
        return self.machine.images

    @property
    def edge(self) -> Edge:
        """The edge of this host."""
        return self.machine.edge

    @property
    def owner(self) -> str:
        """The owner of locks: the actor and the process, see `system.alive`."""
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
    """Process all items in parallel, at most `most` at a time. The first error is raised when all have ended."""
    things = list(items)
    # Ctrl-C is raised in the main thread and must not interrupt a call there: so even a single one gets a thread.
    if not things or (len(things) == 1 and threading.current_thread() is not threading.main_thread()):
        return [work(item) for item in things]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(things), most)) as pool:
        return list(pool.map(work, things))


def attempt_all(*steps: Callable[[], object], on_error: Callable[[BaseException], None] = lambda error: None) -> None:
    """Run every step, even after errors; then raise the first error, with the messages of the others appended.

    For clean-up, where a failing step must not skip the rest. Only KeyboardInterrupt aborts it.
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
    """Prefix errors with the host, if there are several ('': there is only one)."""
    try:
        yield
    except ShipwayError as error:
        if host and host not in error.message:
            error.within(host)
        raise


def environment_of(plan: Plan, name: str) -> Environment:
    """The environment of that name. UsageError if the plan lacks it."""
    if name not in plan.environments:
        known = ", ".join(plan.environments) or "none"
        raise UsageError(f"the plan of {plan.app} has no environment {name!r}", hint=f"it has: {known}")
    return plan.environments[name]
