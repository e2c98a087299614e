"""`shipway hook`: what the post-receive hook of a bare repository calls."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, style

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
    from shipway.actions.projects.register import plan_at
    from shipway.actions.runs.run import run
    from shipway.app import open_context, parse_plan
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
                plan = plan_at(repository, commit, parse_plan)
                kind = "tag" if ref.startswith("refs/tags/") else "push"
                named = options.actor or os.environ.get("SHIPWAY_ACTOR")
                actor = identity(named) if named else author_identity(commit.author)  # git knows no pusher
                own = replace(ctx, actor=actor)
                rules = partial(read_rules, own, repository, plan, parse_plan, protected=protected)
                run(own, repository, commit, plan, Trigger(kind, ref, actor), rules=rules, wait=WAIT)
            except ShipwayError as error:
                failed = error
                ctx.reporter.note(f"{style('error:', 'red')} {error.message}")  # must not fail: the other refs follow
                if error.hint:
                    ctx.reporter.note(f"{style('hint:', 'yellow')} {error.hint}")
    if failed:
        sys.exit(failed.exit_code)
