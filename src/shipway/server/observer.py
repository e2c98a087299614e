"""What runs where, read in the background: a page never waits for an engine."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from shipway.actions.deployments.admission import admitted
from shipway.actions.deployments.waits import mark
from shipway.actions.environment.environments import KnownApp, known_app
from shipway.actions.projects.in_force import read_rules
from shipway.actions.projects.plans import ParsePlan
from shipway.actions.upkeep.status import EnvironmentStatus, status
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import ShipwayError
from shipway.domain.permissions import in_environment
from shipway.domain.plan import Environment
from shipway.domain.preview import is_reserved
from shipway.domain.record import to_data
from shipway.domain.release import SUCCEEDED, Release
from shipway.domain.traffic import Traffic
from shipway.domain.value import dataclass
from shipway.ports import ProjectSource
from shipway.system.parallel import side_by_side

Plans = dict[str, tuple[Environment, ...]]  # what each plan that counts says of an environment, by its present name
WATCHED, UNWATCHED = 2.0, 15.0  # seconds between looks, with and without a reader
READER = 30.0  # seconds for which who has read counts as a reader
LATELY = 60.0  # seconds for which requests are counted
COMMITS = 50  # of a release that are listed
PLAN = 60.0  # seconds for which a plan counts as new


@dataclass(frozen=True)
class Gate:
    """Between an environment and the one where its releases are validated."""

    release: int  # that would be deployed next
    subject: str
    missing: tuple[
        str, ...
    ]  # reasons against it, in the words of the deployment that is refused; empty: it may be deployed
    commits: tuple[str, ...] = ()  # that it would bring, newest first: short revision, author and subject

    @property
    def next(self) -> str:
        """The command that comes next; empty if none leads on."""
        if not self.missing:
            return "deploy"
        if all("is frozen until" in reason for reason in self.missing):
            return "override"
        return "approve" if any("approval" in reason for reason in self.missing) else ""


@dataclass(frozen=True)
class Rate:
    """Requests in some seconds."""

    traffic: Traffic
    seconds: float


@dataclass(frozen=True)
class Board:
    """An app, as it was seen last."""

    app: str  # its present name
    environments: tuple[EnvironmentStatus, ...] = ()  # in the order of promotion
    gates: dict[str, Gate] | None = None  # by the environment that they lead to
    seen: float = 0.0
    problem: str = ""  # why it could not be read
    version: int = 0  # increases with each change
    plans: Plans | None = None
    traffic: dict[str, Rate] | None = None  # at the edges lately, by environment

    def permission(self, permission: str, environment: str) -> str:
        """The one that is needed there: of an environment that none of the plans has, as if it were protected."""
        return in_environment(
            permission, *(self.plans or {}).get(environment, (Environment(environment, "", after="unknown"),))
        )

    def later(self, versions: int) -> Board:
        """The same, after so many versions of another reader."""
        return replace(self, version=self.version + versions) if versions else self


class Boards(Protocol):
    """What pages ask."""

    def apps(self) -> list[str]:
        """Their present names."""

    def seen(self, app: str) -> Board:
        """As seen last, by a program that looks again and again: it is not looked at more often for that."""

    def board(self, app: str) -> Board:
        """As seen last, by a reader."""

    def version(self, app: str) -> int:
        """Of the board."""


class Observer:
    """Reads all apps of the ledger, until `over`. source: of an app of the ledger."""

    def __init__(self, ctx: Context, parse: ParsePlan, source: Callable[[str], ProjectSource]) -> None:
        self._ctx, self._parse, self._source = ctx, parse, source
        self._boards: dict[str, Board] = {}
        self._states: dict[str, str] = {}
        self._read: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._known: dict[str, tuple[float, KnownApp, list[Environment], Plans]] = {}
        self._counts: dict[tuple[str, str], deque[tuple[float, Traffic]]] = {}
        self._gates: dict[tuple[str, str], tuple[object, float, Gate | None]] = {}

    def apps(self) -> list[str]:
        """Their present names."""
        return sorted(map(self._ctx.names.shown, self._ctx.ledger.apps()))

    def seen(self, app: str) -> Board:
        """As seen last, by a program that looks again and again: it is not looked at more often for that."""
        return self._boards.get(app, Board(app))

    def board(self, app: str) -> Board:
        """As seen last; the reader's next look is soon answered by a newer one."""
        found = self._boards.get(app)
        if found is None:  # not yet, or it is no app
            return Board(app)
        self._read[app] = time.monotonic()
        return found

    def version(self, app: str) -> int:
        """Of the board."""
        return self.board(app).version

    def run(self, over: threading.Event, send: Callable[[Board], None]) -> None:
        """Until `over`. send: called with each board that was read."""
        while not over.is_set():
            try:
                names = self.apps()
            except ShipwayError:  # the ledger is away: what was seen is shown, with its time
                names = []
            for name in names:
                read = time.monotonic() - self._read.get(name, -READER) < READER
                if time.monotonic() - self._looked.get(name, -UNWATCHED) >= (WATCHED if read else UNWATCHED):
                    send(self.look(name))
            over.wait(0.2)

    def look(self, name: str) -> Board:
        """Read one app."""
        self._looked[name] = time.monotonic()
        before, previews = self._boards.get(name, Board(name)), list[tuple[int, str, str, float]]()
        try:
            known, environments, plans = self._app(name)
            found = tuple(side_by_side(lambda item: self._status(known, item), environments))
            wanted = self._ctx.ledger.previews(known.name)
            previews = [(item.number, item.state, item.head, item.ends) for item in wanted]
            gates = {
                item.environment.name: gate for item in found if (gate := self._gate(known, item.environment, found))
            }
            traffic = {item.environment.name: rate for item in found if (rate := self._rate(known, item)) is not None}
            board = replace(
                before, environments=found, gates=gates, seen=self._ctx.clock(), problem="", plans=plans, traffic=traffic
            )  # fmt: skip
        except ShipwayError as error:
            board = replace(before, seen=self._ctx.clock(), problem=error.message)
        except Exception as error:  # of one app, whose plan anybody may have pushed: the others go on
            board = replace(before, seen=self._ctx.clock(), problem=f"unexpected {type(error).__name__}: {error}")
        lasting = [
            replace(item, lease=replace(item.lease, expires=0.0) if item.lease else None) for item in board.environments
        ]
        state = json.dumps(to_data([lasting, board.gates, board.problem, previews]), sort_keys=True)
        changed = state != self._states.get(name)
        self._states[name] = state
        self._boards[name] = board = replace(board, version=before.version + changed)
        return board

    def _app(self, name: str) -> tuple[KnownApp, list[Environment], Plans]:
        at, known, environments, plans = self._known.get(name, (0.0, None, [], {}))
        if known is None or time.monotonic() - at > PLAN:
            source = self._source(name)
            known = known_app(self._ctx, source)
            written, running = dict(source.plan().environments), {item.name: item for item in known.environments()}
            known_here = {name: item for name, item in {**written, **running}.items() if not is_reserved(name)}
            environments = in_order(list(known_here.values()))
            plans = {
                known.shown(item.name): tuple(plan[item.name] for plan in (written, running) if item.name in plan)
                for item in environments
            }
            self._known[name] = (time.monotonic(), known, environments, plans)
        return known, environments, plans

    def _status(self, known: KnownApp, environment: Environment) -> EnvironmentStatus:
        found = status(known.ctx, known.name, environment)
        return replace(found, environment=replace(found.environment, name=known.shown(found.environment.name)))

    def _rate(self, known: KnownApp, item: EnvironmentStatus) -> Rate | None:
        """Of the requests at its edges lately; None if they can't be counted, or not yet."""
        if item.release is None or not any(service.port for service in item.release.plan.services.values()):
            return None
        own = known.kept(item.environment.name)
        owner, total = names.route_owner(known.name, own), Traffic()
        try:
            for host in item.environment.hosts:
                total = sum(known.ctx.on(host.name).edge.traffic(owner).values(), total)
        except ShipwayError:
            self._counts.pop((known.name, own), None)
            return None
        kept = self._counts.setdefault((known.name, own), deque())
        kept.append((time.monotonic(), total))
        while kept[-1][0] - kept[0][0] > LATELY and len(kept) > 2:
            kept.popleft()
        since = kept[-1][0] - kept[0][0]
        return Rate(total - kept[0][1], since) if since > 0 else None

    def _gate(self, known: KnownApp, environment: Environment, found: Sequence[EnvironmentStatus]) -> Gate | None:
        """What would go there next, if that isn't there already."""
        before = next((item for item in found if item.environment.name == environment.after), None)
        here = next((item for item in found if item.environment.name == environment.name), None)
        if before is None or before.release is None or before.current is None or before.current.outcome != SUCCEEDED:
            return None
        running = here.current.release if here and here.current else None
        if running is not None and running >= before.release.number:
            return None
        kept = known.kept(environment.name)
        key = f"{running}, {before.release.number}: {mark(known.ctx, known.name, kept, before.release.number)}"
        at = (known.name, kept)
        cached = self._gates.get(at)
        if cached is None or cached[0] != key or time.monotonic() - cached[1] > PLAN:
            cached = (key, time.monotonic(), self._asked(known, kept, before.release, running))
            self._gates[at] = cached
        return cached[2]

    def _asked(self, known: KnownApp, environment: str, release: Release, running: int | None) -> Gate:
        missing: tuple[str, ...] = ()
        commits: tuple[str, ...] = ()
        before = known.ctx.ledger.release(known.name, running) if running is not None else None
        try:
            repository = known.ctx.repository()
            if before is not None:
                commits = tuple(repository.commits(before.revision, release.revision, COMMITS))
            book = read_rules(known.ctx, repository, release.plan, self._parse, record=False)
            commit = replace(repository.commit(release.revision), tree=release.tree)
            admitted(known.ctx, commit, known.name, book, book.of(known.ctx, environment))
        except ShipwayError as error:
            listed = [line.removeprefix("  - ") for line in error.message.splitlines() if line.startswith("  - ")]
            missing = tuple(listed) or (error.message,)
        return Gate(release.number, release.subject, missing, commits)


def in_order(environments: Sequence[Environment]) -> list[Environment]:
    """Each after the one where its releases are validated; else as given."""
    found: list[Environment] = []
    waiting = list(environments)
    while waiting:
        names = {item.name for item in waiting}
        ready = [item for item in waiting if item.after not in names] or waiting[:1]
        found += ready
        waiting = [item for item in waiting if item not in ready]
    return found
