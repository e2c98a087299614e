"""`shipway show`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("target", metavar="ENVIRONMENT|RUN")
@click.option(
    "--deployment", "id", type=int, metavar="ID", help="An older deployment there: its id in `shipway history`"
)
@click.option("--follow", "-f", is_flag=True, help="Go on printing until it has ended")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one event a line")
@app_option
@click.pass_obj
def show(options: Globals, target: str, id: int | None, follow: bool, as_json: bool, app: str | None) -> None:
    """Print again what the newest deployment of ENVIRONMENT printed, or the run with the number RUN, on whatever machine it ran.

    Secrets are masked. The output of a run's steps is not part of it: that is in the logs of the machine that ran them.
    What was printed is kept for 90 days.
    """
    import json

    from shipway.actions.upkeep.recorded_output import of_deployment, of_run
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.record import to_data
    from shipway.system.recorder import replay

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        if target.isdecimal():
            if id is not None:
                raise UsageError("--deployment has no meaning for a run", hint=f"shipway show {target}")
            found = of_run(ctx, known.name, int(target))
        else:
            found = of_deployment(ctx, known.name, known.environment(target).name, id)
        if not as_json:
            say(style(found.title, "bold"))
        shown, empty = TerminalReporter(), True
        for event in found.events(ctx, follow=follow):
            empty = False
            if as_json:
                say(json.dumps(to_data(event)))
            else:
                replay(shown, event)
        if not as_json:
            if empty:
                say("the ledger has none of its output, which is kept for 90 days")
            say(found.end())
