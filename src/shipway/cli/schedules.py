"""`shipway schedules`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.actions.schedules.overview import Overview
    from shipway.domain.scheduled_run import ScheduledRun

COLOURS = {"succeeded": "green", "pending": "yellow", "skipped": "yellow", "cancelled": "yellow"}
DEFAULT = "show"


class DefaultGroup(click.Group):
    """`shipway schedules ENVIRONMENT` is `shipway schedules show ENVIRONMENT`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the default command, unless another one or help is asked for."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultGroup)
def schedules() -> None:
    """Show the jobs on a schedule, and run one now. `shipway schedules ENVIRONMENT` is short for `show`."""


@schedules.command()
@click.argument("environment")
@click.argument("name", required=False)
@click.option("--limit", default=10, show_default=True, help="The most runs to list of the job NAME")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def show(options: Globals, environment: str, name: str | None, limit: int, app: str | None, as_json: bool) -> None:
    """List the jobs of ENVIRONMENT, with their next and last runs; or the last runs of one, with its last output."""
    from shipway.actions.schedules.overview import overview
    from shipway.app import open_context
    from shipway.domain.record import to_data

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        known.environment(environment)
        found = overview(ctx, known.name, known.kept(environment), name, limit)
        if as_json:
            say(json.dumps([to_data(item) for item in found], indent=2))
        elif name:
            _show_runs(found[0])
        elif found:
            _show_all(found)
        else:
            say(f"the release in {environment} has no schedules")


def _show_all(found: list[Overview]) -> None:
    rows = []
    for item in found:
        last = item.runs[0] if item.runs else None
        schedule = item.schedule
        rows.append([
            schedule.name, schedule.at, schedule.zone, _local(item.next, schedule.zone), _state(last),
            _local(last.due, schedule.zone) if last else "", _took(last), f"{schedule.service}: {schedule.run}",
        ])  # fmt: skip
    table(rows, ["job", "at", "zone", "next", "last", "due", "took", "command"])
    for item in found:
        if item.overdue:
            say(
                f"{item.schedule.name} is overdue since {_local(item.overdue, item.schedule.zone)}: does `shipway tick` run?"
            )


def _show_runs(item: Overview) -> None:
    zone = item.schedule.zone
    rows = [
        [
            _local(run.due, zone), str(run.attempt + 1), _state(run), _took(run), str(run.release), run.host,
            run.actor if not run.reason else f"{run.actor}: {run.reason}", "; ".join(_remarks(run)),
        ]
        for run in item.runs
    ]  # fmt: skip
    table(rows, ["due", "attempt", "outcome", "took", "release", "host", "by", "detail"])
    say(f"next: {_local(item.next, zone)}")
    for line in item.runs[0].log.splitlines() if item.runs else ():
        say(f"  {style('│', 'dim')} {line}")


def _remarks(run: ScheduledRun) -> list[str]:
    missed = f"{run.missed} earlier missed" if run.missed else ""
    return [text for text in (run.detail, missed) if text]


def _state(run: ScheduledRun | None) -> str:
    if run is None:
        return "never"
    word = run.outcome if run.outcome != "pending" else "running" if run.began else "starting"
    return style(word, COLOURS.get(run.outcome, "red"))


def _took(run: ScheduledRun | None) -> str:
    from shipway.system.durations import human

    return human(run.finished - run.began) if run and run.finished and run.began else ""


def _local(at: float | None, zone: str) -> str:
    """In the zone of the schedule."""
    from datetime import datetime

    from shipway.system.cron import zone as zone_of

    return "" if at is None else datetime.fromtimestamp(at, zone_of(zone)).strftime("%Y-%m-%d %H:%M %Z")


@schedules.command()
@click.argument("environment")
@click.argument("name")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the record")
@app_option
@click.pass_obj
def run(options: Globals, environment: str, name: str, reason: str, app: str | None) -> None:
    """Run the job NAME of ENVIRONMENT now, in the image of the live release, and follow it to its end."""
    from shipway.actions.schedules.run_now import run_now
    from shipway.app import open_context
    from shipway.domain.errors import StepFailed
    from shipway.system.durations import human

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        known.environment(environment)
        done = run_now(ctx, known.name, known.kept(environment), name, reason)
    took = human((done.finished or 0.0) - (done.began or 0.0))
    if done.badly:
        raise StepFailed(f"{name} {done.detail or done.outcome} ({took})")
    say(f"{name} {done.outcome} after {took}")
