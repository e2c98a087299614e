"""Purges that a person requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from shipway.actions.cdn.purge import attempt, provider_of
from shipway.actions.cdn.sides import side_of
from shipway.actions.environment.locks import fenced
from shipway.context import Context
from shipway.domain import names
from shipway.domain.cdn import TAG, requested
from shipway.domain.errors import CdnError, UsageError
from shipway.domain.operation import PURGE, Operation
from shipway.domain.purge import Purge
from shipway.domain.record import to_data
from shipway.system.login import login

WAIT = 60.0  # seconds for another process that purges


def request_purge(
    ctx: Context, app: str, environment: str, paths: Sequence[str], tags: Sequence[str], *, everything: bool,
    reason: str = "", patience: float = 60.0,
) -> list[Purge]:  # fmt: skip
    """Purge these paths, prefixes (ending in *) and tags, or everything; without any of them, what is pending. Recorded in
    the history. CdnError if it fails, which leaves it pending."""
    now = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, now.release) if now else None
    place = release.plan.environments.get(environment) if release else None
    if now is None or release is None or place is None:
        raise UsageError(f"nothing is deployed to {environment}, so that its CDN is unknown")
    wanted = bool(paths or tags or everything)
    if wanted and place.cdn is None:
        raise UsageError(
            f"release {release.number}, which runs in {environment}, has no CDN in its plan",
            hint="add `cdn:` to the environment, and deploy that",
        )
    for path in paths:
        if not path.startswith("/"):
            raise UsageError(f"{path!r} is no path: it doesn't begin with /")
    with fenced(ctx, names.purges_lock(app, environment), "purge", wait=WAIT) as own:
        if wanted:
            assert place.cdn is not None
            if tags and not provider_of(own, release, place, place.cdn).capabilities.can(TAG):
                raise UsageError(f"{place.cdn.provider} can't purge by tag", hint="name paths, or pass --all")
            draft = Purge(
                0,
                app,
                environment,
                None,
                release.number,
                None,
                release.number,
                ctx.actor,
                reason or "requested",
                ctx.clock(),
            )
            side = side_of(own, draft, release.number, None)
            assert side is not None
            targets = requested(paths, tags, side, everything=everything)
            if not targets:
                raise UsageError(f"no service of {environment} serves {', '.join(paths)}")
            draft = replace(draft, what=targets.text, due=ctx.clock())
            own.ledger.begin_purge(draft, json.dumps(to_data(targets)))
        pending = own.ledger.pending_purges(app, environment)
        if not pending:
            raise UsageError(
                "no purge is pending", hint=f"name what to purge: shipway purge {environment} PATH…, --tag TAG or --all"
            )
        chosen = pending[-1:] if wanted else pending
        operation = Operation(
            0, app, environment, release.number, PURGE, place.cdn.provider if place.cdn else "", ctx.actor, login(),
            "; ".join(item.what or item.reason for item in chosen), ctx.clock(),
        )  # fmt: skip
        number = own.ledger.begin_operation(operation)
        done = []
        try:
            done = [attempt(own, item, patience) for item in chosen]
        finally:
            good = len(done) == len(chosen) and all(item.outcome == "succeeded" for item in done)
            own.ledger.end_operation(number, ctx.clock(), 0 if good else CdnError.exit_code)
    bad = [item for item in done if item.outcome != "succeeded"]
    if bad:
        again = "it stays pending, and `shipway tick` tries again" if bad[0].pending else "it is given up"
        raise CdnError(f"the CDN of {environment} was not purged: {bad[0].detail}", hint=again)
    return done
