"""The previews as people see them."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.preview import Preview
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class SeenPreview:
    """One preview. Times are seconds since the epoch; 0: not known yet."""

    number: int
    environment: str
    state: str  # creating, ready, asleep, failed or closing
    branch: str
    commit: str  # that is wanted
    url: str  # empty: none yet
    ends: float
    problem: str


def seen(ctx: Context, app: str) -> list[SeenPreview]:
    """All of an app."""
    return [
        SeenPreview(
            item.number,
            item.environment,
            item.state,
            item.branch,
            item.head,
            url_of(ctx, item),
            item.ends,
            item.problem,
        )
        for item in ctx.ledger.previews(app)
    ]


def preview_of(ctx: Context, app: str, number: int) -> Preview | None:
    """The one of this pull request, as it is recorded now."""
    return next((item for item in ctx.ledger.previews(app) if item.number == number), None)


def url_of(ctx: Context, preview: Preview) -> str:
    """Its address, once something is deployed there."""
    now = ctx.ledger.current(preview.app, preview.environment)
    release = ctx.ledger.release(preview.app, now.release) if now else None
    return release.plan.environments[preview.environment].url if release else ""
