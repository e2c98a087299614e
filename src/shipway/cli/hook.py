"""`shipway hook`: what the post-receive hook of a bare repository calls."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, style

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.errors import ShipwayError


@click.command()
@click.option(
    "--protected",
    metavar="BRANCH",
    help="The protected branch that the first push of an app registers [HEAD of the repository]",
)
@click.pass_obj
def hook(options: Globals, protected: str | None) -> None:
    """Read `old new ref` lines from stdin and run each pushed branch and tag, branches first.

    Where `shipway serve` or `shipway worker` runs on this machine, that runs them, and this command prints what it prints:
    who disconnects stops nothing.
    """
    from shipway.actions.runs.queue import is_served
    from shipway.app import open_context
    from shipway.domain.queue import HTTP, WITH_TOKEN

    pushed = [line.split() for line in sys.stdin if len(line.split()) == 3]
    named = options.actor or os.environ.get("SHIPWAY_ACTOR")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        named = ctx.actor if named else None  # as far as it is proven
        via = os.environ.get("SHIPWAY_VIA", "git push")
        token = ctx.proven.token.id if via == HTTP and ctx.proven and ctx.proven.token else 0
        if is_served(ctx):
            via = f"{WITH_TOKEN}{token}" if token else via
            failed = _queued(ctx, pushed, via, named or "", protected or "")
        else:
            from shipway.actions.runs.pushed import run_pushed  # takes long, and a served push needs none of it
            from shipway.app import plan_parser

            error = run_pushed(
                ctx, ctx.repository(), [(new, ref) for _, new, ref in pushed], plan_parser(ctx),
                report, actor=named, person=(named or "") if via == HTTP else "", token=token, protected=protected,
            )  # fmt: skip
            failed = error.exit_code if error else 0
    if failed:
        sys.exit(failed)


def _queued(ctx: Context, pushed: list[list[str]], via: str, actor: str, protected: str) -> int:
    """Queue them and print what comes of each. Returns an exit code."""
    from shipway.actions.runs.queue import enqueue, follow
    from shipway.domain.errors import StepFailed
    from shipway.domain.queue import SUPERSEDED, runs
    from shipway.domain.refs import TAGS
    from shipway.domain.release import SUCCEEDED
    from shipway.system.recorder import replay

    added = [
        enqueue(ctx, ctx.repository(), old, new, ref, via=via, actor=actor, protected=protected)
        for old, new, ref in sorted(pushed, key=lambda item: item[2].startswith(TAGS))
        if runs(new, ref)
    ]
    code = 0
    for push in added:
        ctx.reporter.note(f"push {push.id} of {push.ref} is queued; it goes on if you disconnect")
        for event in follow(ctx, push):
            replay(ctx.reporter, event)
        found = ctx.ledger.push(push.id)
        if found is None or found.ended is None:
            ctx.reporter.note(f"the server has stopped: it goes on with push {push.id} when it is back")
        elif found.outcome not in (SUCCEEDED, SUPERSEDED):
            code = StepFailed.exit_code
        elif found.outcome == SUPERSEDED:
            ctx.reporter.note(found.note)
    return code


def report(ctx: Context, error: ShipwayError) -> None:
    """An error, after which other work follows."""
    ctx.reporter.note(f"{style('error:', 'red')} {error.message}")
    if error.hint:
        ctx.reporter.note(f"{style('hint:', 'yellow')} {error.hint}")
