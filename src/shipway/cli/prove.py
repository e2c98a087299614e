"""`shipway prove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli.output import say, style
from shipway.domain.errors import UsageError

if TYPE_CHECKING:
    from shipway.domain.proof import Way
    from shipway.proving.chain import Chained

LAYOUTS = ("golang-migrate", "diesel", "goose", "dbmate", "flyway", "alembic", "sql")
COLOURS = {"RESTORED": "green", "COLUMN_ORDER": "green", "DATA_LOST": "red", "NOT_RESTORED": "red", "IRREVERSIBLE": "yellow", "FAILS": "red"}


@click.command()
@click.option("--migrations", type=click.Path(path_type=Path, file_okay=False), help="Walk a folder of migrations one by one, without a plan")
@click.option("--layout", type=click.Choice(LAYOUTS), default="sql", show_default=True, help="Whose files they are; sql: as the files tell")
@click.option("--database", metavar="URL", help="A server to walk them on, in databases of their own; or sqlite:")
@click.option("--rows", is_flag=True, help="Generate rows where a way may lose some, and look at them")
@click.option("--lint", is_flag=True, help="Let squawk look for locks that only large tables show (pip install squawk-cli)")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, metavar="SECONDS", help="For each way up or down")
@click.option("--from", "first", metavar="VERSION", help="Begin with this one; those before it are applied")
@click.option("--only", metavar="VERSION", help="Walk this one alone")
@click.option("--json", "as_json", is_flag=True, help="For programs")
def prove(
    migrations: Path | None, layout: str, database: str | None, rows: bool, lint: bool, timeout: float,
    first: str | None, only: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Walk migrations up, down and up again, and tell what is not as it was.

    With --migrations and --database it needs no plan: any folder of migrations, any server. The database that the URL
    names is not touched.
    """
    if migrations is None or database is None:
        raise UsageError("tell what to walk, and where: --migrations FOLDER --database URL")
    if first and only:
        raise UsageError("--from and --only exclude each other")
    from shipway.actions.prove_folder import prove_folder, refusal
    from shipway.app import open_folder

    bare = open_folder(migrations, layout, database, timeout)
    if rows and bare.fill is None:
        raise UsageError("--rows works on PostgreSQL only")
    if lint and bare.lint is None:
        raise UsageError("--lint reads SQL for PostgreSQL only")
    done = prove_folder(
        bare.scratch, bare.tool_at, bare.revisions, _ignore if as_json else _show, _ignore,
        timeout=timeout, first=first, only=only, fill=bare.fill if rows else None,
        remarks=bare.lint() if lint and bare.lint else None,
    )  # fmt: skip
    _sum_up(done, as_json)
    if failure := refusal(done):
        raise failure


def _show(way: Way) -> None:
    """What isn't as it was, as soon as it is known. Ways that lead back are only counted."""
    from shipway.proving.walk import UNSEEN

    warnings = [warning for warning in way.warnings if UNSEEN not in warning]  # of which the last line tells
    if way.verdict == "RESTORED" and not warnings:
        return
    say(f"{style(way.verdict.ljust(12), COLOURS[way.verdict])}  {way.migrations[0]}")
    for text in [*way.reasons, *(f"{style('warning:', 'yellow')} {warning}" for warning in warnings)]:
        say("              " + text.replace("\n", "\n                "))


def _sum_up(done: Chained, as_json: bool) -> None:
    from shipway.actions.prove_folder import counts
    from shipway.proving.walk import UNSEEN

    found = counts(done.ways)
    if as_json:
        import json

        from shipway.domain.record import to_data

        say(json.dumps({"asked": done.asked, "walked": len(done.ways), "verdicts": found, "ways": to_data(done.ways)}, indent=2))
        return
    say(f"{len(done.ways)} of {done.asked} migrations walked: " + ", ".join(f"{count} {verdict}" for verdict, count in found.items()))
    if unseen := sum(any(UNSEEN in warning for warning in way.warnings) for way in done.ways):
        say(f"{unseen} of them may lose rows; --rows looks at that")


def _ignore(_: object) -> None:
    """For who wants no progress."""
