"""`shipway insights`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, table

if TYPE_CHECKING:
    from shipway.domain.insights import Insights, Spread, StepTrend


@click.command()
@click.argument("name", metavar="[APP]", required=False)
@click.option("--environment", metavar="NAME", help="The environment [the last one in the order of promotion]")
@click.option("--since", metavar="TIME", default="90d", show_default=True, help="Since then: 30d ago, or 2024-01-31")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def insights(
    options: Globals, name: str | None, environment: str | None, since: str, app: str | None, as_json: bool
) -> None:
    """Show how often and how fast changes of APP reach an environment, how often they fail and how soon that is over, and
    which steps and tests are slow or flaky."""
    from shipway.actions.upkeep.insights import insights as figures
    from shipway.actions.upkeep.insights import last_environment
    from shipway.app import open_context
    from shipway.domain.record import to_data
    from shipway.system.durations import past

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, name or app)
        kept = known.kept(environment) if environment else last_environment(ctx, known.name)
        found = figures(ctx, known.name, kept, past(since, ctx.clock()))
        if as_json:
            data = {**to_data(found), "per_week": found.per_week, "failure_rate": found.failure_rate}
            say(json.dumps(data, indent=2))
        else:
            _show(found)


def _show(found: Insights) -> None:
    from shipway.domain.count import counted
    from shipway.system.durations import human, timestamp

    say(f"{found.app} in {found.environment}, since {timestamp(found.since)}")
    rate = found.failure_rate
    rows = [
        ["deployment frequency", f"{found.per_week:.1f} a week", f"{found.succeeded} succeeded"],
        ["lead time", _spread(found.lead_time), counted(found.lead_time.count, "release")],
        [
            "change-failure rate", "–" if rate is None else f"{rate:.1%}",
            f"{found.failed} failed, {found.rolled_back} rolled back, of {found.succeeded + found.failed}",
        ],
        ["time to restore", _spread(found.restore_time), counted(found.restore_time.count, "rollback")],
    ]  # fmt: skip
    table(rows, ["measure", "value", "of"])
    if found.steps:
        say()
        table(
            [_step(item) for item in found.steps], ["slowest steps", "mean", "last week", "passed", "failed", "flaky"]
        )
    if found.flaky:
        say()
        table(
            [[item.name, str(item.flaky), f"{item.failed} of {item.failed + item.passed}"] for item in found.flaky],
            ["flakiest steps", "same inputs failed and passed", "failed"],
        )
    if found.slow_tests:
        say()
        rows = [[item.name, item.suite, item.step, human(item.mean), str(item.passed)] for item in found.slow_tests]
        table(rows, ["slowest tests", "of", "step", "mean", "passed"])
    if found.flaky_tests:
        say()
        table(
            [
                [item.name, item.suite, item.step, str(item.flaky), f"{item.failed} of {item.failed + item.passed}"]
                for item in found.flaky_tests
            ],
            ["flakiest tests", "of", "step", "same files failed and passed", "failed"],
        )
    if not found.steps:
        say(f"no step has run since then: {human(found.until - found.since)}")


def _spread(item: Spread) -> str:
    from shipway.system.durations import human

    if item.median is None or item.most is None:
        return "–"
    return f"{human(item.median)} (median), {human(item.most)} (9 of 10)"


def _step(item: StepTrend) -> list[str]:
    from shipway.system.durations import human

    last = next((mean for mean in reversed(item.weeks) if mean is not None), None)
    return [
        item.name,
        human(item.mean),
        human(last) if last is not None else "",
        str(item.passed),
        str(item.failed),
        str(item.flaky or ""),
    ]
