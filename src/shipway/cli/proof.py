"""`shipway proof`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, table
from shipway.cli.prove import reports, show
from shipway.cli.report_files import ReportFiles, report_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.domain.proof import Proof


@click.command()
@click.argument("release", required=False)
@click.option("--env", "environment", metavar="ENVIRONMENT", help="The environment of the proof [the newest proof's]")
@click.option("--all", "every", is_flag=True, help="List all proofs of the release, newest first")
@report_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --all, a list")
@app_option
@click.pass_obj
def proof(
    options: Globals, /, release: str | None, environment: str | None, every: bool, as_json: bool, app: str | None,
    **paths: Path | None,
) -> None:  # fmt: skip
    """Show the recorded rollback proof of RELEASE. Nothing is run.

    RELEASE is a revision, a version or a release such as r12 [the newest]. Exit code 2 if it has no proof.
    """
    from shipway.actions.proofs.prove import find_release
    from shipway.actions.proofs.recorded import recorded_proofs
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    files = ReportFiles(paths, as_json)
    silent = as_json or files.to_stdout
    with open_context(options.home, TerminalReporter(silent=silent), actor="reader") as opened:
        known = options.known_app(opened, app)
        ctx = known.ctx
        if environment:
            known.environment(environment)
        chosen = find_release(ctx, known.name, release)
        found = recorded_proofs(ctx, chosen, known.kept(environment) if environment else None)
        if not found:
            where = f" for {environment}" if environment else ""
            raise UsageError(
                f"release {chosen.number} has no recorded proof{where}",
                hint=f"run one before it is deployed: shipway prove r{chosen.number}"
                + (f" --env {environment}" if environment else ""),
            )
        files.write(reports(found[0]))
        if every:
            _list(found, as_json)
        else:
            show(found[0], as_json, err=silent and not as_json)


def _list(found: Sequence[Proof], as_json: bool) -> None:
    from shipway.actions.proofs.recorded import summary
    from shipway.proving.report.data import as_data
    from shipway.system.durations import timestamp

    if as_json:
        say(json.dumps([as_data(item) for item in found], indent=2, ensure_ascii=False))
        return
    rows = [
        [
            timestamp(item.at),
            item.environment,
            item.mode,
            "" if item.before is None else str(item.before),
            str(summary(item)),
        ]
        for item in found
    ]
    table(rows, ["when", "environment", "mode", "previous release", "verdict"])
