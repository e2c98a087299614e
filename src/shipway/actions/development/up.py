"""Run a checkout: everything it needs, then its services, which follow the files until Ctrl-C."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shipway.actions.development import checkouts, database
from shipway.actions.development.services import Services, drained
from shipway.actions.development.session import Session, Show
from shipway.actions.development.variables import FILES
from shipway.domain.container import LABEL_NAME
from shipway.domain.development import COPY, REBUILD, RESTART, is_migration, plan_changes, reaction
from shipway.domain.errors import Interrupted, ShipwayError
from shipway.domain.plan import Plan
from shipway.system.git.working_tree import ignored
from shipway.system.parallel import side_by_side
from shipway.system.patterns import matches
from shipway.system.watching import Watcher

SOON = 0.05  # seconds between looks at the services that start
LOOK = 0.3  # seconds between looks at the files; more in a large tree, which takes long to look at
QUIET = 0.15  # seconds without a change that end a group of changes, such as a switch of branches
LONGEST = 3.0  # seconds after which a group ends anyway
PATIENCE = 5.0  # seconds between attempts to write the routes
SHARE = 10  # looking takes at most one part of this many of the time


@dataclass
class Needs:
    """What the files of a group of changes cause."""

    rebuild: set[str] = field(default_factory=set)
    restart: set[str] = field(default_factory=set)
    copy: dict[str, list[str]] = field(default_factory=dict)
    migrations: bool = False
    plan: bool = False
    variables: bool = False

    @classmethod
    def of(cls, plan: Plan, services: Sequence[str], paths: Sequence[str]) -> Needs:
        """From what each changed file causes."""
        found = cls()
        for path in paths:
            found.plan |= path == plan.file
            found.variables |= path.rpartition("/")[2] in FILES
            found.migrations |= is_migration(plan, path)
            for name in services:
                what = reaction(plan, name, path, matches)
                if what == REBUILD:
                    found.rebuild.add(name)
                elif what == RESTART:
                    found.restart.add(name)
                elif what == COPY:
                    found.copy.setdefault(name, []).append(path)
        found.restart -= found.rebuild
        return found


def up(session: Session, show: Show, *, load: Callable[[], Plan]) -> None:
    """Run it until Ctrl-C, which stops the services; accessories and data stay. show: receives their output. load: reads the
    plan again when it was edited. LeaseHeld if another process runs this checkout."""
    with checkouts.held(session.ctx.home):
        running = _Up(session, show, load)
        try:
            running.start()
            running.follow()
        except KeyboardInterrupt:
            pass
        finally:
            running.end()


class _Up:
    def __init__(self, session: Session, show: Show, load: Callable[[], Plan]) -> None:
        self.session, self.ctx, self.load = session, session.ctx, load
        self.services = Services(session, show)
        self.touched = False  # whether anything of it may run
        self.prepared = False  # built, migrated and seeded
        self.failed: set[str] = set()  # services whose image could not be built
        self.routed = self.said = False
        self.healthy: dict[str, None] = {}  # have been, since the start
        self.retry = 0.0  # not before that time
        self.begun = time.monotonic()
        self.waiting = set(session.own.services)  # not healthy yet, since the start
        self.watcher: Watcher | None = None

    def start(self) -> None:
        """What a killed process left is stopped first."""
        session = self.session
        session.prepare()
        self.touched = True
        (session.ctx.home / checkouts.REQUEST).unlink(missing_ok=True)
        self.ctx.reporter.heading(f"{session.plan.app} in {session.root}")
        self.watcher = Watcher(session.root, lambda: ignored(session.repository))
        session.stop_services()
        self.make(first=True)

    def make(self, *, first: bool = False) -> None:
        """Build, migrate, seed and start all services. A failure is reported, and the next change tries again: only what the
        developer can't fix in a file is raised at the first time."""
        session = self.session
        try:
            session.build(session.own.services)
            session.start_accessories()
            database.bring_up_to_date(session)
            works: tuple[Callable[[], None], ...] = (
                session.open_edge, lambda: self.services.start(session.own.services),
            )  # fmt: skip
            side_by_side(lambda work: work(), works)
        except Interrupted:
            raise KeyboardInterrupt from None
        except ShipwayError as error:
            if first and error.exit_code >= 20:  # of the machine, not of the files
                raise
            self.prepared = False
            self.ctx.reporter.note(f"{error}")
            self.ctx.reporter.note("no service starts; fix it: the next saved file tries again")
            return
        self.prepared = True
        self.failed.clear()

    def follow(self) -> None:
        """Until KeyboardInterrupt."""
        assert self.watcher is not None
        looked = time.monotonic()
        while True:
            self._report()
            if self.ctx.cancelled.wait(LOOK if self.said else SOON):
                raise KeyboardInterrupt
            if time.monotonic() < looked + max(LOOK, self.watcher.cost * SHARE):
                continue
            looked = time.monotonic()
            if changes := self._group():
                self._react(changes)
            self._answer()

    def end(self) -> None:
        """Stop the services and remove the routes, whatever happened."""
        self.services.forget()
        self.ctx.cancelled.clear()
        if not self.touched:
            return
        try:
            if any(item.active for item in self.session.services()):
                self.ctx.reporter.note(
                    "stopping the services; accessories and data stay (shipway dev down removes them)"
                )
                self.session.stop_services()
            self.ctx.edge.remove(self.session.owner)
        except ShipwayError as error:
            self.ctx.reporter.note(f"not everything was stopped: {error.message}; `shipway dev down` does it")

    def _group(self) -> list[str]:
        """Changes that belong together: a switch of branches changes many files."""
        assert self.watcher is not None
        found = dict.fromkeys(self.watcher.changes())
        deadline = time.monotonic() + LONGEST
        while found and time.monotonic() < deadline:
            time.sleep(QUIET)
            more = self.watcher.changes()
            if not more:
                break
            found |= dict.fromkeys(more)
        return list(found)

    def _react(self, paths: list[str]) -> None:
        session = self.session
        needs = Needs.of(session.plan, session.own.services, paths)
        if needs.plan:
            self._plan_edited()
        if needs.variables:
            self.ctx.reporter.note("the development variables changed: restart `shipway dev` to use them")
        session.read_again()
        if not self.prepared:
            self.make()
            return
        try:
            self._apply(needs, paths)
        except Interrupted:
            raise KeyboardInterrupt from None
        except ShipwayError as error:
            self.ctx.reporter.note(f"{error}")
            self.ctx.reporter.note("what runs stays as it was; the next saved file tries again")

    def _apply(self, needs: Needs, paths: list[str]) -> None:
        session = self.session
        again = needs.rebuild | self.failed
        before = dict(session.images)
        if again:
            self.ctx.reporter.note(f"{_listed(paths)} changed: {', '.join(sorted(again))} is built again")
            self.failed = again  # until it worked
            session.build(sorted(again))
            self.failed = set()
        if needs.migrations or (again and session.plan.database and session.plan.database.service in again):
            database.migrate(session)
        replaced = {name for name in again if session.images.get(name) != before.get(name)} | (again & self._down())
        for name in needs.copy.keys() - replaced - needs.restart:
            self.services.copy(name, needs.copy[name])
        restarted = (needs.restart | (self._down() if paths else set())) - replaced
        if restarted:
            self.ctx.reporter.note(f"{_listed(paths)} changed: {', '.join(sorted(restarted))} starts again")
        if replaced | restarted:
            self.services.start(sorted(replaced | restarted))

    def _down(self) -> set[str]:
        """Services that ended by themselves: any change may have fixed them."""
        there = {item.labels[LABEL_NAME] for item in self.session.services() if item.active}
        return set(self.session.own.services) - there

    def _plan_edited(self) -> None:
        try:
            after = self.load()
        except ShipwayError as error:
            self.ctx.reporter.note(f"{error}")
            return
        if found := plan_changes(self.session.written, after):
            self.ctx.reporter.note(f"the plan changed; restart `shipway dev` for: {'; '.join(found)}")

    def _report(self) -> None:
        for name, code in drained(self.services.ended):
            self.waiting.discard(name)
            if code is not None:
                self.ctx.reporter.note(f"{name} exited with {code}: it starts again with the next saved file")
        while True:
            try:
                name = self.services.ready.get_nowait()
            except queue.Empty:
                break
            self.waiting.discard(name)
            self.ctx.reporter.note(f"{name} is ready")
            self.healthy[name] = None
        self._route()
        routed = self.routed or not any(self.session.plan.services[name].route for name in self.healthy)
        if not self.waiting and self.prepared and routed and not self.said:
            self.said = True
            self.ctx.reporter.note(self._address())

    def _route(self) -> None:
        """As soon as a service with a route answers. The edge may have to be started again: a deployment on this machine
        releases its ports without routes."""
        plan, now = self.session.plan, time.monotonic()
        answering = next((name for name in self.healthy if plan.services[name].route), None)
        if self.routed or answering is None or now < self.retry:
            return
        try:
            if self.retry:
                self.session.open_edge()
            self.session.route(answering)
            self.routed = True
        except Interrupted:
            raise KeyboardInterrupt from None
        except ShipwayError as error:
            self.retry = now + PATIENCE
            self.ctx.reporter.note(f"{error}; the next attempt follows")

    def _address(self) -> str:
        took = time.monotonic() - self.begun
        routes = any(self.session.plan.services[name].route for name in self.session.own.services)
        where = (
            self.session.checkout.url if self.routed else "no service with a route is ready" if routes else "all run"
        )
        return f"{where}  ({took:.1f} s; Ctrl-C stops the services)"

    def _answer(self) -> None:
        """What another process asked for."""
        asked = self.ctx.home / checkouts.REQUEST
        try:
            text = asked.read_text(encoding="utf-8")
        except OSError:
            return
        if text != "reset":
            return
        answer = "failed: interrupted"
        try:
            self.services.forget()
            self.session.stop_services()
            self.session.read_again()
            database.reset(self.session)
            self.services.start(self.session.own.services)
            answer = "done"
        except ShipwayError as error:
            answer = f"failed: {error}"
            self.prepared = False
            self.ctx.reporter.note(f"{error}")
        finally:
            asked.write_text(answer, encoding="utf-8")


def _listed(paths: Sequence[str]) -> str:
    """The first one, and how many more."""
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
