"""What the steps of a launch share, and what a step is."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

from shipway.actions.deployments.admission import admitted
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.ended import ended
from shipway.actions.projects.in_force import Rulebook
from shipway.actions.provisioning.dns import Look
from shipway.actions.provisioning.in_force import Governed
from shipway.context import Context
from shipway.domain.errors import EngineError, TimedOut, UsageError
from shipway.domain.launch import OPEN, succeeded
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import Commit, Deployment, Release
from shipway.domain.system_test import SystemTest
from shipway.domain.value import dataclass
from shipway.system.durations import human
from shipway.system.git import Repository

PAUSE = 2.0  # seconds between looks at what others must do
LOCK = 600.0  # seconds that the deployment waits for another one


@dataclass(frozen=True)
class LaunchRequest:
    """What is to be launched. rules: reads the app's rules, and records the app if its argument says so."""

    plan: Plan
    environment: str
    repository: Repository
    commit: Commit
    ref: str
    rules: Callable[[bool], Rulebook]
    generate: bool = False  # secrets that are missing, where any random value is right
    any_address: bool = False  # accept names that lead elsewhere, as behind a proxy
    governed: Callable[[], Governed] | None = None  # the environment as the protected branch has it
    generated: Callable[[str, str], None] = lambda name, value: None  # told each password that a person needs


class Launching:
    """What the steps share: the request, and what the ledger knows now."""

    def __init__(self, ctx: Context, request: LaunchRequest) -> None:
        self.ctx, self.request = ctx, request
        self.app, self.name = request.plan.app, request.environment
        self.tested: SystemTest | None = None  # by this process
        self.zone: Look | None = None  # at the records, by this process

    @property
    def current(self) -> Deployment | None:
        """What runs there."""
        return self.ctx.ledger.current(self.app, self.name)

    @property
    def launched(self) -> bool:
        """Whether a launch came to its end since the environment, or the infrastructure with its hosts, was last destroyed."""
        return self._opened_since(self.ended)

    @property
    def opened(self) -> bool:
        """Whether that was so, whatever became of the infrastructure."""
        return self._opened_since(self.ctx.ledger.destroyed(self.app, self.name))

    def _opened_since(self, since: float) -> bool:
        records = self.ctx.ledger.launch_records(self.app, self.name)
        return self.current is not None and succeeded(records, OPEN, since)

    @property
    def ended(self) -> float:
        """When the environment last came to nothing; 0: never."""
        return ended(self.ctx, self.app, self.name)

    @property
    def release(self) -> Release | None:
        """The release that runs there."""
        now = self.current
        return self.ctx.ledger.release(self.app, now.release) if now else None

    @property
    def plan(self) -> Plan:
        """Of the release that runs, once launched; else of the commit."""
        release = self.release if self.launched else None
        return release.plan if release and self.name in release.plan.environments else self.request.plan

    @property
    def environment(self) -> Environment:
        """As that plan says."""
        return self.plan.environments[self.name]

    @cached_property
    def book(self) -> Rulebook:
        """The rules in force, read without recording anything."""
        return self.request.rules(False)

    def governed(self) -> Governed:
        """The environment as the protected branch has it, for what runs with credentials of accounts."""
        if self.request.governed is None:
            raise UsageError(
                "DNS and infrastructure need the protected branch, which isn't known here",
                hint="`shipway rules` names it",
            )
        return self.request.governed()

    def order(self) -> DeployRequest:
        """The deployment of the commit's release. GateRefused if the rules in force reject it."""
        request = self.request
        in_force = self.book.of(self.ctx, self.name)
        order = admitted(self.ctx, request.commit, self.app, self.book, in_force, request.ref)
        return dataclasses.replace(order, wait=LOCK)


class Step(Protocol):
    """One line of the checklist."""

    @property
    def name(self) -> str:
        """As records and the checklist have it."""

    def would(self) -> Sequence[str]:
        """What it does and needs, for `--dry-run`; nothing if the plan asks nothing of it."""

    def needed(self) -> str:
        """Why it must run; empty if everything is as it leaves it. Changes nothing."""

    def run(self) -> str:
        """Do what is missing, and say what came of it. Raises ShipwayError; can be run again."""


def resolved(name: str) -> list[str]:
    """Addresses of a name by this machine's resolver; empty if there are none."""
    if name.endswith(".localhost"):  # always this machine
        return ["127.0.0.1"]
    if not name:
        return []
    try:
        return sorted({str(item[4][0]) for item in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return []


def addresses_of(ctx: Context, host: str) -> tuple[list[str], str]:
    """Addresses at which this machine reaches a remote host, and why there are none."""
    try:
        at = ctx.locate(host)
    except EngineError as error:
        return [], error.message
    if at.through:
        return [], f"ssh connects to {host} through {at.through}: {at.address} may be another machine here"
    found = resolved(at.address)
    return found, "" if found else f"{at.address}, the address of {host}, doesn't resolve here"


def is_here(address: str) -> bool:
    """Whether this machine has the address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as found:
            found.bind((address, 0))
            return True
    except OSError:
        return False


def require_soon(
    ctx: Context, problems: Callable[[], Sequence[str]], seconds: float, awaited: str, message: str, hint: str
) -> None:
    """Wait until there are no problems, at most that long. TimedOut with those that remain, after the message."""
    deadline, said = ctx.clock() + seconds, False
    while found := problems():
        if ctx.clock() >= deadline or ctx.cancelled.is_set():
            raise TimedOut(f"{message}: {'; '.join(found)}", hint=hint)
        if not said:
            ctx.reporter.note(f"waiting up to {human(seconds)} for {awaited}: {'; '.join(found)}")
            said = True
        ctx.cancelled.wait(PAUSE)
