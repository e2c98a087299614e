"""What people want of previews, and the list of them."""

from __future__ import annotations

from dataclasses import replace

from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.preview import CLOSED, OPEN, Preview


def require_preview(ctx: Context, app: str, number: int) -> Preview:
    """UsageError if there is none."""
    known = ctx.ledger.previews(app)
    found = next((item for item in known if item.number == number), None)
    if found is None:
        listed = ", ".join(str(item.number) for item in known) or "none"
        raise UsageError(
            f"{ctx.names.shown(app)} has no preview of pull request {number}",
            hint=f"there are: {listed}; shipway preview open {number} REVISION",
        )
    return found


def want_open(ctx: Context, app: str, number: int, branch: str, head: str) -> Preview:
    """From now on there should be one of that commit. The same commit again is tried again."""
    if number < 1:
        raise UsageError(f"{number} is no number of a pull request", hint="a number from 1")
    wish = Preview(app, number, branch, head, OPEN, ctx.actor, 0.0)
    found = ctx.ledger.want_preview(wish)
    if found.done:  # also if nothing is new: a person asks for it
        found = replace(found, done="")
        ctx.ledger.record_preview(found)
    return found


def want_closed(ctx: Context, preview: Preview, reason: str) -> Preview:
    """From now on nothing of it should be there."""
    return ctx.ledger.want_preview(replace(preview, wanted=CLOSED, actor=ctx.actor, reason=reason))


def extend(ctx: Context, preview: Preview, seconds: float) -> Preview:
    """Let it stand for so long from now. UsageError if it is being closed meanwhile."""
    found = replace(preview, ends=ctx.ledger.now() + seconds)
    if preview.wanted == CLOSED or not ctx.ledger.record_preview(found):
        raise UsageError(
            f"{preview.environment} has changed meanwhile", hint="look at `shipway preview list`, and try again"
        )
    return found
