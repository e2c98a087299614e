"""`shipway diff`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.actions.environment.compare import Commits
    from shipway.domain.comparison import Comparison


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def diff(options: Globals, first: str, second: str, as_json: bool, app: str | None) -> None:
    """Show what differs from A to B: commits, images, configuration and schema. Each is an environment (what runs there), or
    a release by number or version. Of secrets, the names that are set in one environment only."""
    from shipway.actions.environment.compare import compare_sides
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        found, commits = compare_sides(options.known_app(ctx, app), first, second)
        if as_json:
            from shipway.domain.record import to_data

            say(json.dumps({**to_data(found), "commits": to_data(commits)}, indent=2))
        else:
            _show(found, commits)


def _show(found: Comparison, commits: Commits) -> None:
    from shipway.domain.comparison import NONE

    say(style(f"{found.first} → {found.second}", "bold"))
    if found.same:
        say("no difference")
        return
    one, other = found.revisions
    say(f"revision: {one[:12]}" + (f" → {other[:12]}" if one != other else ", the same"))
    if commits.problem:
        say(style(f"  the commits in between are unknown: {commits.problem}", "dim"))
    for sign, colour, listed in (("-", "red", commits.first), ("+", "green", commits.second)):
        for line in listed:
            say(style(f"  {sign} {line}", colour))
    if found.schema[0] != found.schema[1]:
        say(f"schema: {found.schema[0] or NONE} → {found.schema[1] or NONE}")
    for title, rows in (
        ("images", found.images),
        ("configuration", found.configuration),
        ("secrets that are set", found.secrets),
    ):
        if rows:
            say(f"{title}:")
            short = _digest if title == "images" else str
            cells = [[f"  {item.name}", short(item.first or NONE), short(item.second or NONE)] for item in rows]
            table(cells, ["", found.first, found.second])


def _digest(reference: str) -> str:
    """The short digest alone: the repository's name is the same mostly."""
    name, _, digest = reference.rpartition("@sha256:")
    return digest[:12] if name else reference
