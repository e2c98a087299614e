"""`shipway run`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

WAIT = 600.0  # seconds that a run waits for another deployment to its environment


@click.command()
@click.argument("revision", required=False)
@click.option("--dirty", is_flag=True, help="Run the commit even if the working tree has uncommitted changes")
@click.option(
    "--retry",
    metavar="[RUN]",
    is_flag=False,
    flag_value="newest",
    help="Repeat what failed in a run [the newest], as a new run; the logs of the first one stay",
)
@click.option("--step", metavar="NAME", help="Run only this step and those that it needs; deploy nothing")
@click.option(
    "--debug", "hold", is_flag=True, help="With --step: if it fails, keep its container for a shell until Ctrl-C"
)
@click.option(
    "--no-cache", is_flag=True, help="Start the caches of steps empty, and build images without cached layers"
)
@click.option(
    "--for",
    "target",
    metavar="ENVIRONMENT",
    help="As a push of this branch or tag, but deploy to this environment only; for jobs of another CI",
)
@click.option(
    "--pull-request",
    "pull",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Run the checks of a pull request from another repository, at the commit REVISION, which you have read; deploy nothing",
)
@app_option
@click.pass_obj
def run(
    options: Globals,
    revision: str | None,
    dirty: bool,
    retry: str | None,
    step: str | None,
    hold: bool,
    no_cache: bool,
    target: str | None,
    pull: int | None,
    app: str | None,
) -> None:
    """Run the pipeline for REVISION [HEAD]: a branch, tag or commit.

    A branch or tag that triggers an environment in the plan is deployed there.
    """
    from functools import partial

    from shipway.actions.projects.in_force import read_rules
    from shipway.actions.projects.plans import of_plan, plan_at
    from shipway.actions.runs.retry import repeated, run_to_retry
    from shipway.actions.runs.run import run as run_action
    from shipway.actions.runs.unchanged import unchanged
    from shipway.actions.runs.waiting import may_deploy
    from shipway.app import open_context, plan_parser
    from shipway.domain.errors import RepositoryError, UsageError
    from shipway.domain.refs import HEADS, TAGS
    from shipway.domain.release import Trigger

    if retry is not None and (revision or dirty):
        raise UsageError("--retry repeats the commit of a run: name no revision, and no --dirty")
    if hold and step is None:
        raise UsageError("--debug needs --step NAME", hint="for a traceback: shipway --debug run")
    if target and (retry is not None or step is not None):
        raise UsageError("--for is a push: it can't be combined with --retry or --step")
    if pull is not None:
        if retry is not None or step is not None or target or dirty:
            raise UsageError("--pull-request takes no other option than --app")
        if revision is None:  # its author could push another one while somebody reads
            raise UsageError(
                "name the commit that you have read",
                hint=f"shipway run COMMIT --pull-request {pull}, with the full commit hash",
            )
        _pull_request(options, app, pull, revision)
        return
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as opened:
        if retry is not None:
            if retry != "newest" and not retry.isdecimal():
                raise UsageError(f"{retry!r} is no number of a run")
            known = options.known_app(opened, app)
            failed = run_to_retry(opened, known.name, int(retry) if retry.isdecimal() else None)
            ctx, repository, app = known.ctx, known.ctx.repository(), known.name
            revision, ref = failed.revision, failed.trigger.ref
            ctx.reporter.note(repeated(ctx, failed))
        else:
            given = revision
            ctx, repository, revision = options.project(opened, app, revision)
            if given in (None, "HEAD") and not dirty and repository.is_dirty():
                hint = "commit or stash them, or pass --dirty to run the commit without them"
                raise RepositoryError("the working tree has uncommitted changes", hint=hint)
            ref = repository.ref(revision)
        commit = repository.commit(revision)
        plan = plan_at(repository, commit, plan_parser(ctx), options.plan_file(ctx, repository, app))
        options.require_app(ctx, app, plan, revision)
        commit = of_plan(repository, commit, plan)
        may = partial(may_deploy, ctx, ctx.proven) if ctx.proven else None
        rules = partial(read_rules, ctx, repository, plan, plan_parser(ctx))
        trigger = Trigger("step" if step else "manual", ref, ctx.actor)
        if target:
            if not ref.startswith((HEADS, TAGS)):
                raise UsageError(
                    f"{revision} is no branch and no tag, which --for needs", hint="such as refs/heads/main"
                )
            trigger, target = (
                Trigger("tag" if ref.startswith(TAGS) else "push", ref, ctx.actor),
                ctx.names.environment(plan.app, target),
            )
            if same := unchanged(ctx, commit, plan, trigger, rules):
                ctx.reporter.note(same)
                return
        outcome = run_action(
            ctx, repository, commit, plan, trigger, rules=rules, wait=WAIT, only=step, debug=hold, caches=not no_cache,
            target=target, may=may, person=ctx.proven.person if ctx.proven else "",
            token=ctx.proven.token.id if ctx.proven and ctx.proven.token else 0,
        )  # fmt: skip
        if outcome.environment:
            say(style(f"{plan.environments[outcome.environment].url}", "green"))


def _pull_request(options: Globals, app: str | None, number: int, revision: str) -> None:
    from shipway.actions.runs.outside import run_pull_request
    from shipway.app import open_context, plan_parser

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        run_pull_request(ctx, known.name, number, revision, plan_parser(ctx))
