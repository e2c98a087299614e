"""The page of figures: pictures as SVG, each with its numbers in a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from shipway.actions.upkeep.insights import insights, last_environment
from shipway.domain.insights import Insights, Spread, StepTrend, Week
from shipway.server.pages import Page
from shipway.server.records import Records
from shipway.server.site import Site
from shipway.system.durations import human

PERIODS = {"30": "30 days", "90": "90 days", "365": "a year"}
WIDTH, HEIGHT, GAP = 640, 120, 3  # of the picture of deployments, in its own units
SPARK_WIDTH, SPARK_HEIGHT = 120, 24  # of a step's


class Figures:
    """The route."""

    def __init__(self, site: Site, page: Page, records: Records) -> None:
        self._ctx, self._page, self._records = site.ctx, page, records

    async def insights(self, request: Request) -> Response:
        """Of one environment."""
        return await run_in_threadpool(self._insights, request)

    def _insights(self, request: Request) -> Response:
        app, places = self._records.places(request, "see")
        period = request.query_params.get("days", "90")
        period = period if period in PERIODS else "90"
        asked = request.query_params.get("environment", "")
        deployed = self._ctx.ledger.environments(app)
        places = [place for place in places if place.kept in deployed]
        last = last_environment(self._ctx, app) if deployed else ""
        chosen = next((place for place in places if place.name == asked), None)
        chosen = chosen or next((place for place in places if place.kept == last), None) or next(iter(places), None)
        shown: dict[str, Any] = {}
        if chosen is not None:
            found = insights(self._ctx, app, chosen.kept, self._ctx.clock() - int(period) * 86400.0)
            shown = figures(found)
        return self._page(
            request, "insights.html", app=request.path_params["app"], places=[place.name for place in places],
            chosen=chosen.name if chosen else "", periods=PERIODS, period=period, **{"measures": [], **shown},
        )  # fmt: skip


def figures(found: Insights) -> dict[str, Any]:
    """What the page shows."""
    rate, ended = found.failure_rate, found.succeeded + found.failed
    measures = [
        ("Deployment frequency", f"{found.per_week:.1f}", "a week", f"{found.succeeded} deployments succeeded"),
        ("Lead time", *_spread(found.lead_time), f"{found.lead_time.count} releases, from their first run"),
        ("Change-failure rate", "–" if rate is None else f"{rate:.0%}", "", f"{found.failed} failed and {found.rolled_back} were rolled back, of {ended}"),
        ("Time to restore", *_spread(found.restore_time), f"{found.restore_time.count} rollbacks"),
    ]  # fmt: skip
    return {
        "measures": [{"name": name, "value": value, "unit": unit, "of": of} for name, value, unit, of in measures],
        "weeks": [{"begins": day(week.since), "item": week} for week in found.weeks], "bars": bars(found.weeks),
        "steps": [step(item) for item in found.steps], "flaky": found.flaky,
        "slow_tests": [{"item": item, "mean": human(item.mean)} for item in found.slow_tests], "flaky_tests": found.flaky_tests, "width": WIDTH, "height": HEIGHT,
        "spark_width": SPARK_WIDTH, "spark_height": SPARK_HEIGHT,
    }  # fmt: skip


def bars(weeks: Sequence[Week]) -> list[dict[str, Any]]:
    """A bar for each week: those that succeeded, and on them those that failed."""
    most = max((week.succeeded + week.failed for week in weeks), default=0) or 1
    wide = WIDTH / len(weeks)
    made = []
    for number, week in enumerate(weeks):
        good, bad = (round(HEIGHT * count / most, 1) for count in (week.succeeded, week.failed))
        made.append({
            "x": round(number * wide + GAP / 2, 1), "width": round(max(wide - GAP, 1.0), 1), "good": good, "bad": bad,
            "good_y": round(HEIGHT - good, 1), "bad_y": round(HEIGHT - good - bad, 1), "begins": day(week.since), "item": week,
        })  # fmt: skip
    return made


def step(item: StepTrend) -> dict[str, Any]:
    """A row of the table, with its trend as a line."""
    known = [(number, mean) for number, mean in enumerate(item.weeks) if mean is not None]
    most = max((mean for _, mean in known), default=0.0) or 1.0
    last = max(len(item.weeks) - 1, 1)
    points = [
        f"{number * (SPARK_WIDTH - 4) / last + 2:.1f},{SPARK_HEIGHT - 2 - mean * (SPARK_HEIGHT - 4) / most:.1f}"
        for number, mean in known
    ]
    first, newest = (known[0][1], known[-1][1]) if known else (0.0, 0.0)
    return {
        "item": item, "mean": human(item.mean), "points": " ".join(points), "first": human(first), "last": human(newest),
        "dot": points[-1].split(",") if points else None,
    }  # fmt: skip


def day(at: float) -> str:
    """In UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _spread(item: Spread) -> tuple[str, str]:
    if item.median is None or item.most is None:
        return "–", ""
    return human(item.median), f"median; 9 of 10 within {human(item.most)}"
