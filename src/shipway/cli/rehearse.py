"""`shipway rehearse`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

DAY = 86400.0  # seconds


@click.command()
@click.argument("environment")
@click.option("--to", metavar="VERSION", help="Roll back to this version tag or release number [the last good release]")
@click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DAYS",
    help="Skip it if the running release passed a rehearsal within the last DAYS days",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; null if it was skipped")
@app_option
@click.pass_obj
def rehearse(
    options: Globals, environment: str, to: str | None, every: float | None, as_json: bool, app: str | None
) -> None:
    """Rehearse the rollback of ENVIRONMENT on a copy of its data. The environment is not touched.

    The schema is reverted as a rollback would do it now, and the older release is started and tested there. The result
    and the durations are recorded, and `shipway status` shows them. Schedule it with cron: a nightly job with
    `--every 7` rehearses once a week, and in the night after each new release.
    """
    from shipway.actions.rollbacks.rehearse import last_passed
    from shipway.actions.rollbacks.rehearse import rehearse as rehearse_rollback
    from shipway.app import open_context
    from shipway.domain.errors import NotProven
    from shipway.domain.rollback_plan import label
    from shipway.system.durations import ago, human

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        passed = last_passed(ctx, plan.app, where.name) if every else None
        if every and passed and 0 <= ctx.clock() - passed < every * DAY:
            due = f"{environment}: the last rehearsal passed {ago(ctx.clock() - passed)}; the next one is not due yet"
            say(due, err=as_json)
            if as_json:
                say("null")
            return
        rehearsal = rehearse_rollback(ctx, plan.app, where.name, to=to)
        if as_json:
            import json

            from shipway.domain.record import to_data

            say(json.dumps(to_data(rehearsal), indent=2))
        for stage in rehearsal.stages:
            say(f"  {stage.name:<28} {human(stage.seconds)}", err=as_json)
        if not rehearsal.passed:
            listed = "\n".join(f"  - {reason}" for reason in rehearsal.trial.reasons)
            raise NotProven(
                f"the rehearsal failed: release {rehearsal.target} does not work on the schema after the rollback:\n{listed}"
            )
        say(
            style(
                f"{environment} can be rolled back to release {rehearsal.target} ({label(rehearsal.way)}): rehearsed in {human(rehearsal.seconds)}",
                "green",
            ),
            err=as_json,
        )
        for reason in rehearsal.trial.reasons:
            say(f"  {reason}", err=as_json)
