"""`shipway tests`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.domain.single_test import RunTest

SHOWN = 20  # of the tests that did not fail


@click.command()
@click.argument("run", metavar="[RUN]", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def tests(options: Globals, run: int | None, as_json: bool, app: str | None) -> None:
    """List the tests of the run with the number RUN, or of the newest one, as the reports of its steps have them.

    First those that failed, each with its message and the end of its output; then those that failed and passed with the same files,
    in this run or in others; then the slowest. Secrets are masked. Tests are kept for the newest 200 runs.
    """
    import json

    from shipway.actions.upkeep.progress import find_run
    from shipway.actions.upkeep.run_tests import run_tests
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.record import to_data

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        newest = ctx.ledger.runs(known.name, 1)
        if run is None and not newest:
            raise UsageError(f"{ctx.names.shown(known.name)} has no run yet", hint="shipway run")
        chosen = newest[0] if run is None else find_run(ctx, known.name, run)
        found = run_tests(ctx, chosen)
        if as_json:
            say(json.dumps(to_data(found), indent=2))
            return
        say(style(f"run {chosen.number}: {chosen.revision[:12]}, {chosen.trigger.ref}", "bold"))
        _show(found)


def _show(found: Sequence[RunTest]) -> None:
    from shipway.domain.single_test import FAILED, FLAKY, numbers
    from shipway.system.durations import human

    if not found:
        say("none is known: steps with `reports` have them, and those of the newest 200 runs are kept")
        return
    say(", ".join(f"{count} {outcome}" for outcome, count in numbers(found).items() if count))
    bad = [item for item in found if item.outcome in (FAILED, FLAKY)]
    for item in bad:
        where = ", ".join(filter(None, (item.step, item.suite, item.file, human(item.seconds))))
        say()
        say(f"{style(item.outcome, 'bold')}  {item.name}  ({where})")
        for text in filter(None, (item.message, item.output if item.output != item.message else "")):
            say("\n".join(f"    {line}" for line in text.split("\n")))
    rest = found[len(bad) :]
    if rest:
        say()
        rows = [[item.name, item.suite, item.step, item.outcome, human(item.seconds)] for item in rest[:SHOWN]]
        table(rows, ["test", "of", "step", "outcome", "time"])
    if len(rest) > SHOWN:
        say(f"and {len(rest) - SHOWN} more, which --json lists")
