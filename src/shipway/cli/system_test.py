"""`shipway system-test`."""

from __future__ import annotations

from pathlib import Path

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style
from shipway.cli.report_files import ReportFiles


@click.command("system-test")
@click.argument("environment")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as an HTML page")
@click.option("--last", is_flag=True, help="Show the last results of the running release, and test nothing")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def system_test(
    options: Globals, environment: str, html: Path | None, last: bool, as_json: bool, app: str | None
) -> None:
    """Test ENVIRONMENT from outside and inside: the plan's checks and scenarios, TLS, redirects, headers, private paths, load, and the rollback.

    The results are recorded as evidence of the release that runs there. Visitors may see a page meanwhile (`shipway launch`,
    `shipway maintenance`): the test goes past it. The exit code is 13 if anything failed.
    """
    import json

    from shipway.actions.environment.serving import serving
    from shipway.actions.launches.system_test import require_passed, rules_running
    from shipway.actions.launches.system_test import system_test as run
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.record import to_data
    from shipway.domain.system_test import newest

    files = ReportFiles({"html": html}, as_json)
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        plan, where = known.with_plan(environment)
        _, release, _ = serving(ctx, plan.app, where.name)
        if last:
            kept = newest(ctx.ledger.evidence(plan.app, release.number), where.name)
            if kept is None:
                raise UsageError(
                    f"release {release.number} was not tested in {environment}",
                    hint=f"shipway system-test {environment}",
                )
            found = kept
        else:
            found = run(ctx, plan.app, where.name, rules_running(ctx, plan.app, where.name))
        files.write({"html": lambda: _page(found)})
        if as_json:
            say(json.dumps(to_data(found), indent=2))
        else:
            show(found)
        require_passed(found, f"shipway system-test {environment}")


def show(found) -> None:  # type: ignore[no-untyped-def]
    """Print the results."""
    from shipway.domain.system_test import FAILED, NOT_TESTED, lines

    colours = {"✗": "red", "–": "yellow", "✓": "green"}
    say(f"\n{style(found.environment, 'bold')}  {found.url}  release {found.release}")
    for line in lines(found):
        mark = line[:1]
        say(f"  {style(mark, colours[mark])}{line[1:]}" if mark in colours else f"  {style(line, 'dim')}")
    words = "passed" if found.passed else "failed"
    say(style(f"  system test {words}: {found.headline}", "green" if found.passed else "red"))
    assert FAILED != NOT_TESTED


def _page(found) -> str:  # type: ignore[no-untyped-def]
    from shipway.proving.report.system_test_page import system_test_page

    return system_test_page(found)
