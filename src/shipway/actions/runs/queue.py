"""The queue of pushes: add one, follow it, and work on one that this process has claimed."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.actions.environment.locks import is_held
from shipway.actions.environment.recording import recorded, recorded_events
from shipway.context import Context
from shipway.domain.errors import Interrupted, LeaseHeld, RepositoryError, ShipwayError, StoreError
from shipway.domain.event import Event, Subject
from shipway.domain.queue import PUSH, SUPERSEDED, Push
from shipway.domain.refs import short_name
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED
from shipway.system.git import Repository
from shipway.system.machine import machine_id
from shipway.system.mirror import mirror
from shipway.system.wake import wake

if TYPE_CHECKING:
    from shipway.actions.projects.plans import ParsePlan

PAUSES = (2.0, 15.0, 60.0)  # seconds before it is tried again to fetch
WAKE = "server/wake"  # of the home: wakes who works on the queue
TTL = 15.0  # seconds that a claim lasts without a sign of life


def subject(push: Push) -> Subject:
    """Of the events of a push; it may concern several apps."""
    return Subject(PUSH, "", push.id)


def served(place: str) -> str:
    """The lock of who works on the queue at a place."""
    return f"queue of {place}"


def is_served(ctx: Context) -> bool:
    """Whether a process works on the queue on this machine."""
    return is_held(ctx.ledger.lease(served(machine_id(ctx.home))), ctx.ledger.now())


def enqueue(
    ctx: Context, repository: Repository, old: str, new: str, ref: str, *, via: str, actor: str = "", protected: str = ""
) -> Push:  # fmt: skip
    """Add a push of a repository on this machine."""
    told = f"{time.time_ns()} {threading.get_native_id()}"  # the same push may come again
    place = machine_id(ctx.home)
    return _added(ctx, str(repository.path), place, old, new, ref, told, via=via, actor=actor, protected=protected)


def enqueue_remote(ctx: Context, address: str, old: str, new: str, ref: str, *, via: str, delivery: str) -> Push:
    """Add a push of a repository elsewhere, whose commits any process can fetch. The same delivery is added once."""
    return _added(ctx, address, "", old, new, ref, delivery, via=via, actor="", protected="")


def _added(
    ctx: Context, repository: str, place: str, old: str, new: str, ref: str, told: str, *, via: str, actor: str, protected: str
) -> Push:  # fmt: skip
    key = hashlib.sha256("\0".join([repository, ref, old, new, told]).encode()).hexdigest()
    added = ctx.ledger.enqueue(Push(key, repository, place, ref, old, new, actor, via, protected, ctx.ledger.now()))
    wake(ctx.home / WAKE)
    return added


def follow(ctx: Context, push: Push) -> Iterator[Event]:
    """The events of a push until it has ended, or no process works on the queue any more. Interrupted if that is
    cancelled."""

    def going() -> bool:
        found = ctx.ledger.push(push.id)
        return found is not None and found.ended is None and is_served(ctx)

    return recorded_events(ctx, subject(push), going=going)


def work_on(ctx: Context, push: Push, parse: ParsePlan, tell: Callable[[Context, ShipwayError], None]) -> str:
    """Run what was pushed, under the claim of this process, and record how it ended. Returns its outcome. LeaseHeld if the
    claim is another's: then nothing was recorded. KeyboardInterrupt if this process is to end: another takes it up."""
    from shipway.actions.runs.pushed import run_pushed  # takes long, and who adds or follows a push needs none of it

    claim = Claim(ctx, push)
    failed: ShipwayError | None = None
    outcome = moved = ""
    try:
        with claim.kept(), recorded(replace(ctx, interrupt=claim.cancel), subject(push)) as own:
            repository, moved = _repository(own, push)
            if moved:
                own.reporter.note(moved)
                outcome = SUPERSEDED
            else:
                failed = run_pushed(
                    own, repository, [(push.new, push.ref)], parse, tell, actor=push.actor or None,
                    person=push.person, token=push.with_token,
                    protected=push.protected or None,
                )  # fmt: skip
    except (ShipwayError, KeyboardInterrupt) as error:
        if claim.lost:
            raise LeaseHeld(f"push {push.id} was claimed by another process", hint="it goes on there") from None
        if not claim.cancelled and not isinstance(error, ShipwayError):
            ctx.ledger.renew_push(push, 0)
            raise
        failed = error if isinstance(error, ShipwayError) else Interrupted("cancelled")
    outcome = outcome or (CANCELLED if claim.cancelled else FAILED if failed else SUCCEEDED)
    ctx.ledger.end_push(push, outcome, str(failed) if failed else moved)
    return outcome


def _repository(ctx: Context, push: Push) -> tuple[Repository, str]:
    """The repository with the commits, and why the push has no use any more; empty: it has. RepositoryError if they can't be
    fetched."""
    if push.place:
        return Repository(Path(push.repository)), ""
    repository = Repository(_mirrored(ctx, push))
    ref = short_name(push.ref)
    try:
        now = repository.commit(push.ref).revision
    except RepositoryError:
        return repository, f"{ref} was deleted"
    given = repository.commit(push.new).revision if repository.has(push.new) else push.new
    if now == given:
        return repository, ""
    return repository, f"{ref} has moved on to {now[:12]}, whose push follows"


def _mirrored(ctx: Context, push: Push) -> Path:
    """Its mirror. A fetch that fails is tried again: who told of the push does not tell it twice."""
    for pause in PAUSES:
        try:
            return mirror(ctx.home, push.repository)
        except RepositoryError as error:
            ctx.reporter.note(f"{error.message}; it is tried again in {pause:g} s")
            if ctx.cancelled.wait(pause):
                raise Interrupted("interrupted before the next attempt to fetch") from error
    return mirror(ctx.home, push.repository)


class Claim:
    """The claim of this process on a push."""

    def __init__(self, ctx: Context, push: Push) -> None:
        self._ctx, self._push, self._over = ctx, push, threading.Event()
        self.lost = False  # to another process
        self.cancelled = False  # by a request

    def cancel(self) -> None:
        """Interrupt the work, because somebody asked for it."""
        self.cancelled = True
        self._interrupt()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew it meanwhile. LeaseHeld if it is another's; when that is seen later, the work is interrupted."""
        if not self._ctx.ledger.renew_push(self._push, TTL):
            self.lost = True
            raise LeaseHeld("claimed by another process")
        keeper = threading.Thread(target=self._keep, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._over.set()
            keeper.join()

    def _keep(self) -> None:
        while not self._over.wait(TTL / 3):
            try:
                kept = self._ctx.ledger.renew_push(self._push, TTL)
            except StoreError:  # it may answer again; if another has claimed it then, that is seen
                continue
            if not kept:
                self.lost = True
                self._interrupt()
                return

    def _interrupt(self) -> None:
        (self._ctx.interrupt or self._ctx.cancelled.set)()
