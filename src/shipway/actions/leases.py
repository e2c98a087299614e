"""Hold an environment's lease while working on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import LeaseHeld
from shipway.domain.release import Lease

TTL = 15.0  # seconds after which a dead owner's lease is free


@contextmanager
def environment_lease(ctx: Context, app: str, environment: str, reason: str, *, wait: float = 0.0) -> Iterator[None]:
    """Take the lease, keep it renewed, give it back. Waits up to `wait` seconds for another owner; then LeaseHeld.

    Where the lease is lost while it is held (this process was paused for longer than TTL), `ctx.cancelled` is set,
    so that whatever is under way stops.
    """
    lease = _acquire(ctx, names.scope(app, environment), reason, wait)
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(ctx, lease, stop), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()
        ctx.ledger.free(lease)


def _acquire(ctx: Context, name: str, reason: str, wait: float) -> Lease:
    deadline = ctx.clock() + wait
    told = False
    while True:
        try:
            return ctx.ledger.acquire(name, ctx.owner, reason, ctx.clock(), TTL)
        except LeaseHeld as error:
            if ctx.clock() >= deadline:
                raise
            if not told:
                ctx.reporter.note(f"waiting: {error}")
                told = True
            ctx.cancelled.wait(0.2)


def _keep(ctx: Context, lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(TTL / 3):
        try:
            lease = ctx.ledger.renew(lease, ctx.clock(), TTL)
        except LeaseHeld:
            ctx.cancelled.set()
            return
