"""`shipway run`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, style

WAIT = 600.0  # seconds that a run waits for another deployment to its environment


@click.command()
@click.argument("revision", default="HEAD")
@click.option("--dirty", is_flag=True, help="Run the commit even if the working tree has uncommitted changes")
@click.pass_obj
def run(options: Globals, revision: str, dirty: bool) -> None:
    """Run the pipeline for REVISION [HEAD]: a branch, tag or commit.

    A branch or tag that triggers an environment in the plan is deployed there.
    """
    from functools import partial

    from shipway.actions.projects.in_force import read_rules
    from shipway.actions.projects.register import plan_at
    from shipway.actions.runs.run import run as run_action
    from shipway.app import open_context, parse_plan
    from shipway.domain.errors import RepositoryError
    from shipway.domain.release import Trigger

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        repository = ctx.repository()
        if revision == "HEAD" and not dirty and repository.is_dirty():
            hint = "commit or stash them, or pass --dirty to run the commit without them"
            raise RepositoryError("the working tree has uncommitted changes", hint=hint)
        commit = repository.commit(revision)
        plan = plan_at(repository, commit, parse_plan)
        ref = repository.ref(revision)
        rules = partial(read_rules, ctx, repository, plan, parse_plan)
        outcome = run_action(ctx, repository, commit, plan, Trigger("manual", ref, ctx.actor), rules=rules, wait=WAIT)
        if outcome.environment:
            say(style(f"{plan.environments[outcome.environment].url}", "green"))
