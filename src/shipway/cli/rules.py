"""`shipway rules`: which rules are in force, where they come from, and how to change that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.plan import Plan
    from shipway.system.git import Repository


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_context
def rules(click_context: click.Context, as_json: bool, app: str | None) -> None:
    """Show the rules in force for each environment, and where they come from."""
    if click_context.invoked_subcommand is None:
        _show(click_context.obj, app, as_json=as_json)
    elif app is not None:
        raise click.UsageError(f"pass --app after `{click_context.invoked_subcommand}`")


@rules.command()
@click.argument("environment")
@click.argument("revision", required=False)
@click.option("--reason", required=True, help="Why; recorded in the history, and shown with the rules")
@app_option
@click.pass_obj
def accept(options: Globals, environment: str, revision: str | None, reason: str, app: str | None) -> None:
    """Put the rules of REVISION's [HEAD] plan in force for ENVIRONMENT, in place of rules that can't be met."""
    from shipway.actions.projects.accept_rules import accept_rules
    from shipway.actions.projects.in_force import read_rules
    from shipway.app import plan_parser
    from shipway.domain.rules import side_by_side

    with _opened(options, revision, app) as (ctx, repository, plan):
        book, kept = read_rules(ctx, repository, plan, plan_parser(ctx)), ctx.names.environment(plan.app, environment)
        before = book.written(ctx, kept)
        made = accept_rules(ctx, book, plan, kept, reason)
        say(f"{made.actor} accepted the rules of {revision or 'HEAD'} for {environment} of {plan.app}: {made.reason}")
        table = side_by_side([("now in force", plan), *((item.source, item.plan) for item in before.sets)], kept)
        say(table or "they are identical to the rules that were in force")


@rules.command()
@click.option(
    "--protected", metavar="BRANCH", help="The branch whose plan defines the rules in force [the remote's HEAD]"
)
@click.option(
    "--address", metavar="URL", help="The address that clones use; it must have the app's history [the clone's remote]"
)
@click.option("--reason", required=True, help="Why; recorded in the history")
@app_option
@click.pass_obj
def register(
    options: Globals, protected: str | None, address: str | None, reason: str, app: str | None
) -> None:  # fmt: skip
    """Bind the app to this repository: its address, the plan's path and the protected branch."""
    from shipway.actions.projects.register import register_again

    with _opened(options, None, app) as (ctx, repository, plan):
        register_again(ctx, repository, plan, protected, reason, address)


def _show(options: Globals, app: str | None, *, as_json: bool) -> None:
    from shipway.actions.projects.in_force import read_rules
    from shipway.app import plan_parser
    from shipway.cli.output import table
    from shipway.domain.rules import keys_of
    from shipway.system.durations import timestamp

    with _opened(options, None, app, protected=True) as (ctx, repository, plan):
        book = read_rules(ctx, repository, plan, plan_parser(ctx), record=False)
        registration = book.registration
        known = dict.fromkeys([*(book.plan.environments if book.plan else ()), *plan.environments])
        if as_json:
            import json

            from shipway.domain.record import to_data

            environments = {
                ctx.names.shown(plan.app, name): [
                    {"source": item.source, "rules": keys_of(item.plan, name)} for item in book.of(ctx, name).sets
                ]
                for name in known
            }
            data = {"registration": to_data(registration), "problem": book.problem, "environments": environments}
            say(json.dumps(data, indent=2))
            return
        where = " and ".join(registration.addresses)
        say(
            f"{ctx.names.shown(registration.app)}: {registration.plan} of {where}, protected branch {registration.branch}"
        )
        if registration.reason:
            say(
                style(
                    f"registered by {registration.actor} on {timestamp(registration.at)}: {registration.reason}", "dim"
                )
            )
        if book.problem:
            say(f"{style('problem:', 'red')} {book.problem}")
        for name in known:
            found = book.of(ctx, name)
            columns = [keys_of(item.plan, name) for item in found.sets]
            say()
            say(style(found.called, "bold") + ("" if found.running else ": nothing runs there"))
            rows = [
                [key, *(column.get(key, "–") for column in columns)]
                for key in dict.fromkeys(key for column in columns for key in column)
            ]
            table(rows, ["rule", *(item.source for item in found.sets)])
            if not rows:
                say(f"{found.protected.source} has no environment {found.called}: it is not deployed")


@contextmanager
def _opened(
    options: Globals, revision: str | None, app: str | None, *, protected: bool = False
) -> Iterator[tuple[Context, Repository, Plan]]:
    """protected: without a checkout, the protected branch's plan instead of a revision's."""
    from shipway.actions.projects.plans import plan_at
    from shipway.app import open_context, plan_parser

    with open_context(options.home, TerminalReporter(), actor=options.actor) as opened:
        if protected and app is not None:
            known = options.known_app(opened, app)
            yield known.ctx, known.ctx.repository(), known.any_plan()
            return
        ctx, repository, revision = options.project(opened, app, revision)
        file = options.plan_file(ctx, repository, app)
        plan = plan_at(repository, repository.commit(revision), plan_parser(ctx), file)
        options.require_app(ctx, app, plan, revision)
        yield ctx, repository, plan
