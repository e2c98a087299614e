"""The figures of an environment, from the ledger."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.insights import Insights, all_weeks, trends
from shipway.domain.preview import is_of_preview, is_reserved
from shipway.domain.single_test import LISTED

PERIOD = 90 * 86400.0  # seconds, unless another time is asked for
LATEST = 50  # releases among which the newest one is looked for


def insights(ctx: Context, app: str, environment: str, since: float | None = None) -> Insights:
    """Of an environment since a time. app, environment: their first names, which the figures don't have."""
    ledger, until = ctx.ledger, ctx.clock()
    since = until - PERIOD if since is None else since
    if since > until:
        raise UsageError("the period begins in the future", hint="--since 30d")
    weeks = all_weeks(ledger.deployment_weeks(app, environment, since), since, until)
    restored = ledger.restore_times(app, environment, since)
    steps, flaky = trends(ledger.step_weeks(app, since, len(weeks)), ledger.flaky_steps(app, since), since, until)
    return Insights(
        ctx.names.shown(app), ctx.names.shown(app, environment), since, until, weeks,
        sum(week.succeeded for week in weeks), sum(week.failed for week in weeks), restored.count,
        ledger.lead_times(app, environment, since), restored, steps, flaky,
        tuple(ledger.slow_tests(app, since, LISTED)), tuple(ledger.flaky_tests(app, since, LISTED)),
    )  # fmt: skip


def last_environment(ctx: Context, app: str) -> str:
    """The first name of the environment where releases end up: the one that is promoted to last, as the newest release's plan
    says; else the newest one. UsageError if nothing was ever deployed."""
    deployed = [name for name in ctx.ledger.environments(app) if not is_reserved(name)]
    if not deployed:
        raise UsageError(f"nothing of {ctx.names.shown(app)} was deployed yet")
    newest = [item for item in ctx.ledger.releases(app, LATEST) if not is_of_preview(item.plan)]
    known = newest[0].plan.environments if newest else {}
    before = {item.after for item in known.values()}
    last = [name for name, item in known.items() if item.after is not None and name not in before and name in deployed]
    return last[-1] if last else deployed[-1]
