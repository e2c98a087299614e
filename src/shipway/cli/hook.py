"""`shipway hook`: what the post-receive hook of a bare repository calls."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, style

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.errors import ShipwayError

WAIT = 600.0
GONE = "0" * 40


@click.command()
@click.option(
    "--protected",
    metavar="BRANCH",
    help="The protected branch that the first push of an app registers [HEAD of the repository]",
)
@click.pass_obj
def hook(options: Globals, protected: str | None) -> None:
    """Read `old new ref` lines from stdin and run each pushed branch and tag, branches first."""
    from functools import partial

    from shipway.actions.projects.in_force import read_rules
    from shipway.actions.projects.plans import of_plan, plan_at, plans_to_run
    from shipway.actions.runs.run import run
    from shipway.actions.runs.unchanged import unchanged
    from shipway.app import open_context, plan_parser
    from shipway.domain.errors import ShipwayError
    from shipway.domain.identity import author_identity, identity
    from shipway.domain.release import Trigger

    pushed = [line.split() for line in sys.stdin if len(line.split()) == 3]
    pushed.sort(key=lambda item: item[2].startswith("refs/tags/"))
    failed: ShipwayError | None = None
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        repository = ctx.repository()
        for _, new, ref in pushed:
            if set(new) == set(GONE) or not ref.startswith(("refs/heads/", "refs/tags/")):
                continue
            try:
                commit = repository.commit(new)
                kind = "tag" if ref.startswith("refs/tags/") else "push"
                named = options.actor or os.environ.get("SHIPWAY_ACTOR")
                actor = identity(named) if named else author_identity(commit.author)  # git knows no pusher
                files: list[str | None] = [*plans_to_run(ctx, repository, commit.revision)] or [None]
            except ShipwayError as error:
                failed = _report(ctx, error)
                continue
            own, trigger = replace(ctx, actor=actor), Trigger(kind, ref, actor)
            for file in files:
                try:
                    plan = plan_at(repository, commit, plan_parser(ctx), file)
                    rules = partial(read_rules, own, repository, plan, plan_parser(ctx), protected=protected)
                    seen = of_plan(repository, commit, plan)
                    if same := unchanged(own, seen, plan, trigger, rules):
                        ctx.reporter.note(same)
                        continue
                    run(own, repository, seen, plan, trigger, rules=rules, wait=WAIT)
                except ShipwayError as error:  # the other apps and refs follow
                    failed = _report(ctx, error)
    if failed:
        sys.exit(failed.exit_code)


def _report(ctx: Context, error: ShipwayError) -> ShipwayError:
    ctx.reporter.note(f"{style('error:', 'red')} {error.message}")
    if error.hint:
        ctx.reporter.note(f"{style('hint:', 'yellow')} {error.hint}")
    return error
