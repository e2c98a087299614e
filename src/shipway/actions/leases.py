"""Hold a lease while working on what it guards: for an environment, every effect is fenced by it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shipway.context import Context, Machine
from shipway.domain import names
from shipway.domain.errors import Interrupted, LeaseHeld
from shipway.domain.release import Lease
from shipway.system.alive import is_gone

TTL = 15.0  # seconds after which a dead owner's lease is free
CARETAKER = "standby"  # who tidies up after a deployment: everybody waits for it, at most for the longest `drain`
MARGIN = 2.0  # seconds before its end in which a lease is renewed before anything is done under it
READS = (
    "ping", "list", "objects", "variables", "find", "wait", "logs", "get", "has_volume", "free_space", "disk_usage",  # of the runtime
    "routes", "container", "maintained", "traffic", "probe", "pending", "authority",  # of the edge
    "identity", "property", "deployments", "release", "releases", "evidence", "approvals", "acceptances", "snapshots",  # of the ledger
    "registration", "accepted_rules", "adopted", "deployed_since", "run_since",  # likewise
)  # fmt: skip


@contextmanager
def environment_lease(ctx: Context, app: str, environment: str, reason: str, *, wait: float = 0.0) -> Iterator[Context]:
    """A context that may change the environment, on any host, as long as this process holds its lease.

    Takes it from an owner whose process is gone. Waits up to `wait` seconds for another one (for the caretaker, until
    what a rollback left has ended); then LeaseHeld. A process that was paused for longer than TTL and wakes up finds the lease lost: each change that it asks for raises LeaseHeld,
    and `ctx.cancelled` is set.
    """
    with held(ctx, names.scope(app, environment), reason, wait=wait) as check:

        def fenced(machine: Machine) -> Machine:
            drivers: dict[str, Any] = {name: _Fenced(getattr(machine, name), check) for name in ("runtime", "edge")}
            return dataclasses.replace(machine, **drivers)

        ledger: Any = _Fenced(ctx.ledger, check)
        yield dataclasses.replace(
            ctx, ledger=ledger, machine=fenced(ctx.machine), connect=lambda host: fenced(ctx.connect(host))
        )


@contextmanager
def held(ctx: Context, name: str, reason: str, *, wait: float = 0.0) -> Iterator[Callable[[], None]]:
    """Take the lease, keep it renewed, give it back. Gives a check that raises LeaseHeld once it was lost."""
    keeping = _Keeping(ctx, _acquire(ctx, name, reason, wait))
    keeper = threading.Thread(target=keeping.run, daemon=True)
    keeper.start()
    try:
        yield keeping.check
    finally:
        keeping.over.set()
        keeper.join()
        ctx.ledger.free(keeping.lease)


def is_held(lease: Lease | None, now: float) -> bool:
    """Whether somebody has it who lives, as far as can be known."""
    return lease is not None and lease.expires > now and not is_gone(lease.owner)


class _Keeping:
    def __init__(self, ctx: Context, lease: Lease) -> None:
        self.lease = lease
        self.over = threading.Event()
        self._ctx = ctx
        self._one = threading.Lock()

    def run(self) -> None:
        while not self.over.wait(TTL / 3):
            try:
                self._renew()
            except LeaseHeld:
                return

    def check(self) -> None:
        if self._ctx.clock() > self.lease.expires - MARGIN:
            self._renew()

    def _renew(self) -> None:
        with self._one:
            try:
                self.lease = self._ctx.ledger.renew(self.lease, self._ctx.clock(), TTL)
            except LeaseHeld:
                self._ctx.cancelled.set()
                raise


class _Fenced:
    """A driver whose changes are refused once the lease is lost."""

    def __init__(self, driver: object, check: Callable[[], None]) -> None:
        self._driver = driver
        self._check = check

    def __getattr__(self, name: str) -> Any:
        if name not in READS:
            self._check()
        return getattr(self._driver, name)


def _acquire(ctx: Context, name: str, reason: str, wait: float) -> Lease:
    deadline = ctx.clock() + wait
    told = False
    while True:
        try:
            return ctx.ledger.acquire(name, ctx.owner, reason, ctx.clock(), TTL)
        except LeaseHeld as error:
            holder = ctx.ledger.lease(name)
            if holder is not None and is_gone(holder.owner):
                ctx.ledger.free(holder)  # and no other's
                continue
            tidying = holder is not None and holder.owner.startswith(f"{CARETAKER} ")
            if ctx.clock() >= deadline and not tidying:
                raise
            if not told:
                ctx.reporter.note(f"waiting: {error}")
                told = True
            ctx.cancelled.wait(0.2)
            if ctx.cancelled.is_set():
                raise Interrupted("interrupted while waiting for another deployment") from error
