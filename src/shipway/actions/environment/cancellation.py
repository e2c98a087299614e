"""Requests to cancel the work under a lock: recorded in the ledger by any process, and noticed by the lock's owner."""

from __future__ import annotations

import json
from dataclasses import asdict

from shipway.context import Context
from shipway.domain.release import Lease
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Cancellation:
    """A request. It is for one owner of the lock only: `token` is that of its lease."""

    token: int
    actor: str
    reason: str
    at: float

    def __str__(self) -> str:
        return f"cancelled by {self.actor}" + (f": {self.reason}" if self.reason else "")


def request_cancel(ctx: Context, lease: Lease, reason: str) -> None:
    """Ask the owner of a lock to stop and to clean up, as after SIGTERM."""
    made = Cancellation(lease.token, ctx.actor, reason, ctx.ledger.now())
    ctx.ledger.replace_property(_property(lease.name), json.dumps(asdict(made)))


def cancellation(ctx: Context, lease: Lease) -> Cancellation | None:
    """The request for this owner of the lock; None if there is none."""
    text = ctx.ledger.property(_property(lease.name))
    found = Cancellation(**json.loads(text)) if text else None
    return found if found is not None and found.token == lease.token else None


def _property(name: str) -> str:
    return f"cancel {name}"
