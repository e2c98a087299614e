"""`shipway rules`: which rules are in force, where they come from, and how to change that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, style

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.plan import Plan
    from shipway.system.git import Repository


@click.group(invoke_without_command=True)
@click.pass_context
def rules(click_context: click.Context) -> None:
    """Show the rules in force for each environment, and where they come from."""
    if click_context.invoked_subcommand is None:
        _show(click_context.obj)


@rules.command()
@click.argument("environment")
@click.argument("revision", default="HEAD")
@click.option("--reason", required=True, help="Why; recorded in the history, and shown with the rules")
@click.pass_obj
def accept(options: Globals, environment: str, revision: str, reason: str) -> None:
    """Put the rules of REVISION's [HEAD] plan in force for ENVIRONMENT, in place of rules that can't be met."""
    from shipway.actions.projects.accept_rules import accept_rules
    from shipway.actions.projects.in_force import read_rules
    from shipway.app import parse_plan
    from shipway.domain.rules import side_by_side

    with _opened(options, revision) as (ctx, repository, plan):
        book = read_rules(ctx, repository, plan, parse_plan)
        before = book.written(ctx, environment)
        made = accept_rules(ctx, book, plan, environment, reason)
        say(f"{made.actor} accepted the rules of {revision} for {environment} of {plan.app}: {made.reason}")
        table = side_by_side([("now in force", plan), *((item.source, item.plan) for item in before.sets)], environment)
        say(table or "they are identical to the rules that were in force")


@rules.command()
@click.option(
    "--protected", metavar="BRANCH", help="The branch whose plan defines the rules in force [the remote's HEAD]"
)
@click.option(
    "--address", metavar="URL", help="The address that clones use; it must have the app's history [the clone's remote]"
)
@click.option("--reason", required=True, help="Why; recorded in the history")
@click.pass_obj
def register(options: Globals, protected: str | None, address: str | None, reason: str) -> None:
    """Bind the app to this repository: its address, the plan's path and the protected branch."""
    from shipway.actions.projects.register import register_again

    with _opened(options, "HEAD") as (ctx, repository, plan):
        register_again(ctx, repository, plan, protected, reason, address)


def _show(options: Globals) -> None:
    from shipway.actions.projects.in_force import read_rules
    from shipway.app import parse_plan
    from shipway.cli.output import table
    from shipway.domain.rules import keys_of
    from shipway.system.durations import timestamp

    with _opened(options, "HEAD") as (ctx, repository, plan):
        book = read_rules(ctx, repository, plan, parse_plan, record=False)
        registration = book.registration
        where = " and ".join(registration.addresses)
        say(f"{registration.app}: {registration.plan} of {where}, protected branch {registration.branch}")
        if registration.reason:
            say(
                style(
                    f"registered by {registration.actor} on {timestamp(registration.at)}: {registration.reason}", "dim"
                )
            )
        if book.problem:
            say(f"{style('problem:', 'red')} {book.problem}")
        for name in dict.fromkeys([*(book.plan.environments if book.plan else ()), *plan.environments]):
            found = book.of(ctx, name)
            columns = [keys_of(item.plan, name) for item in found.sets]
            say()
            say(style(name, "bold") + ("" if found.running else ": nothing runs there"))
            rows = [
                [key, *(column.get(key, "–") for column in columns)]
                for key in dict.fromkeys(key for column in columns for key in column)
            ]
            table(rows, ["rule", *(item.source for item in found.sets)])
            if not rows:
                say(f"{found.protected.source} has no environment {name}: it is not deployed")


@contextmanager
def _opened(options: Globals, revision: str) -> Iterator[tuple[Context, Repository, Plan]]:
    from shipway.actions.projects.register import plan_at
    from shipway.app import open_context, parse_plan

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        repository = ctx.repository()
        yield ctx, repository, plan_at(repository, repository.commit(revision), parse_plan)
