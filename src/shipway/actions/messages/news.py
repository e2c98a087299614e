"""News of what the ledger doesn't see itself."""

from __future__ import annotations

from contextlib import suppress

from shipway.context import Context
from shipway.domain.errors import StoreError
from shipway.domain.outbox import News


def report(ctx: Context, kind: str, app: str, environment: str, number: int, detail: str = "") -> None:
    """Add them; a failure of that fails nothing else."""
    with suppress(StoreError):
        ctx.ledger.add_news(News(kind, app, environment, number, detail))
