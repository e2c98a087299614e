"""`shipway prove`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, style
from shipway.domain.errors import UsageError
from shipway.system.redact import of_process

if TYPE_CHECKING:
    from shipway.domain.proof import MigrationReport, Proof
    from shipway.proving.sequence import SequenceReport

LAYOUTS = ("golang-migrate", "diesel", "goose", "dbmate", "flyway", "alembic", "sql")
COLOURS = {
    "RESTORED": "green",
    "COLUMN_ORDER": "green",
    "COSMETIC": "green",
    "ROWS_ADDED": "red",
    "DATA_LOST": "red",
    "NOT_RESTORED": "red",
    "IRREVERSIBLE": "yellow",
    "FAILS": "red",
    "SKIPPED": "yellow",
}


@click.command()
@click.argument("release", required=False)
@click.option(
    "--env",
    "environment",
    metavar="ENVIRONMENT",
    help="The environment whose current release is the rollback target [the one that requires proofs]",
)
@click.option(
    "--mode",
    type=click.Choice(["schema", "data", "rows"]),
    help="How the copy of its database is filled [as in the plan]",
)
@click.option("--again", is_flag=True, help="Test again, even if a proof is recorded")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as an HTML page")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as JUnit XML")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.option(
    "--migrations",
    type=click.Path(path_type=Path, file_okay=False),
    help="Test each migration of a folder, without a plan",
)
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default="sql",
    show_default=True,
    help="The layout of the folder; sql: detected from the files",
)
@click.option("--database", metavar="URL", help="The server to test them on, in temporary databases; or sqlite:")
@click.option("--rows", is_flag=True, help="Generate rows where migrations may lose some, and compare them")
@click.option(
    "--lint", is_flag=True, help="Find locks that only matter on large tables, with squawk (pip install squawk-cli)"
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time-out of each up or down migration",
)
@click.option("--from", "first", metavar="VERSION", help="Begin with this migration; earlier ones are only applied")
@click.option("--only", metavar="VERSION", help="Test only this migration")
@click.pass_obj
def prove(
    options: Globals, /, release: str | None, environment: str | None, mode: str | None, again: bool,
    html: Path | None, junit: Path | None, as_json: bool, **folder: Any,
) -> None:  # fmt: skip
    """Test the rollback of RELEASE before it is deployed, and report what it does not restore.

    RELEASE is a revision, a version or a release such as r12 [the newest]. Its migrations run up, down and up again on a copy
    of the environment's database, and the images of each release are tested on the schema of the other one.

    --migrations and --database test any folder of migrations on any server, without a plan. The database that the URL names
    is not touched.
    """
    if folder["migrations"] is not None or folder["database"] is not None:
        _folder(as_json, **folder)
        return
    from shipway.actions.deployments.proof_gate import require_rollback_plan
    from shipway.actions.proofs.prove import find_environment, find_release
    from shipway.actions.proofs.prove import prove as prove_action
    from shipway.app import load_plan, open_context
    from shipway.proving.report.data import as_json as data
    from shipway.proving.report.terminal import lines

    with open_context(options.home, TerminalReporter(quiet=options.quiet, silent=as_json), actor=options.actor) as ctx:
        chosen = find_release(ctx, load_plan(options.home).app, release)
        where = find_environment(chosen.plan, environment)
        proof = prove_action(ctx, chosen, where, mode=mode, again=again)
        if proof is None:
            say(f"nothing runs in {where.name} yet: there is no rollback target", err=as_json)
            return
        _write(proof, html, junit)
        say(
            data(proof)
            if as_json
            else "\n".join(lines(proof, style, min(shutil.get_terminal_size((100, 24)).columns, 120)))
        )
        require_rollback_plan(ctx, proof)


def _write(proof: Proof, html: Path | None, junit: Path | None) -> None:
    """Write the requested files."""
    if html is not None:
        from shipway.proving.report.page import page

        html.write_text(of_process().text(page(proof)), encoding="utf-8")
    if junit is not None:
        from shipway.proving.report.junit import junit as xml

        junit.write_text(of_process().text(xml(proof)), encoding="utf-8")


def _folder(
    as_json: bool, *, migrations: Path | None, layout: str, database: str | None, rows: bool, lint: bool, timeout: float,
    first: str | None, only: str | None,
) -> None:  # fmt: skip
    if migrations is None or database is None:
        raise UsageError("a folder and a server are required: --migrations FOLDER --database URL")
    if first and only:
        raise UsageError("--from and --only can't be combined")
    from shipway.actions.proofs.folder import prove_folder, refusal
    from shipway.app import open_folder

    done = prove_folder(
        open_folder(migrations, layout, database, timeout), _ignore if as_json else _show, _ignore,
        timeout=timeout, first=first, only=only, rows=rows, lint=lint,
    )  # fmt: skip
    _sum_up(done, as_json)
    if failure := refusal(done):
        raise failure


def _show(report: MigrationReport) -> None:
    """Print what was not restored, as soon as it is known. Reversible migrations are only counted."""
    from shipway.proving.verify import UNSEEN

    warnings = [warning for warning in report.warnings if UNSEEN not in warning]  # summarized in the last line
    if report.verdict == "RESTORED" and not warnings:
        return
    say(f"{style(report.verdict.ljust(12), COLOURS[report.verdict])}  {report.migrations[0]}")
    for text in [*report.reasons, *(f"{style('warning:', 'yellow')} {warning}" for warning in warnings)]:
        say("              " + text.replace("\n", "\n                "))


def _sum_up(done: SequenceReport, as_json: bool) -> None:
    from shipway.actions.proofs.folder import counts
    from shipway.proving.verify import UNSEEN

    found = counts(done.reports)
    if as_json:
        import json

        from shipway.domain.record import to_data

        say(
            json.dumps(
                {
                    "asked": done.requested,
                    "walked": len(done.reports),
                    "verdicts": found,
                    "ways": to_data(done.reports),
                },
                indent=2,
            )
        )
        return
    say(
        f"{len(done.reports)} of {done.requested} migrations tested: "
        + ", ".join(f"{count} {verdict}" for verdict, count in found.items())
    )
    if unseen := sum(any(UNSEEN in warning for warning in report.warnings) for report in done.reports):
        say(f"{unseen} of them may lose rows: pass --rows to check")


def _ignore(_: object) -> None:
    """Discard progress."""
