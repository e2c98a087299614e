"""`shipway launch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

if TYPE_CHECKING:
    from shipway.domain.launch import StepState
    from shipway.domain.launching import Created


@click.command()
@click.argument("environment")
@click.argument("revision", required=False)
@click.option("--dry-run", is_flag=True, help="Print what would be created and what is missing, and change nothing")
@click.option("--generate", is_flag=True, help="Generate missing secrets for which any random value is right")
@click.option("--any-address", is_flag=True, help="Accept names that resolve elsewhere, as behind a proxy or NAT")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def launch(
    options: Globals, environment: str, revision: str | None, dry_run: bool, generate: bool, any_address: bool,
    as_json: bool, app: str | None,
) -> None:  # fmt: skip
    """Launch ENVIRONMENT with REVISION [HEAD]: from nothing to open, as one checklist.

    Visitors see a page until the system test has passed; then the address opens in one switch. After a failure or a kill,
    the same command resumes the launch; once it is complete, another one changes nothing. Bare hosts need `shipway host
    prepare` first.
    """
    import json

    from shipway.actions.launches.launch import launch as carry_out
    from shipway.actions.launches.launch import preview
    from shipway.actions.launches.launching import LaunchRequest
    from shipway.actions.projects.in_force import read_rules
    from shipway.actions.provisioning.in_force import governed
    from shipway.app import open_context, plan_parser
    from shipway.context import environment_of
    from shipway.domain.launching import created
    from shipway.domain.record import to_data

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as opened:
        ctx, repository, revision, commit, plan = options.chosen(opened, app, revision)
        where = environment_of(plan, ctx.names.environment(plan.app, environment))
        request = LaunchRequest(
            plan, where.name, repository, commit, repository.ref(revision),
            lambda record: read_rules(ctx, repository, plan, plan_parser(ctx), record=record), generate, any_address,
            lambda: governed(ctx, options.known_app(ctx, app), plan_parser(ctx), environment),
            lambda name, value: None if as_json else _shown(name, value, environment),
        )  # fmt: skip
        states = preview(ctx, request) if dry_run else carry_out(ctx, request)
        things = created(plan, where) if dry_run else []
        if as_json:
            data = {"environment": environment, "url": where.url, "steps": to_data(states), "created": to_data(things)}
            say(json.dumps(data, indent=2))
            return
        _print(states, things)
        if not dry_run:
            changed = any(item.state != "done" for item in states)
            again = f"nothing to do: {environment} is launched; `shipway deploy {environment}` deploys other releases"
            say(style(f"{environment} is open: {where.url}" if changed else again, "green"))


def _print(states: Sequence[StepState], things: Sequence[Created]) -> None:
    from shipway.cli.output import table
    from shipway.domain.launching import rows

    if things:
        say(style("What a launch creates", "bold"))
        table(rows(things), ["kind", "name", "host", ""])
        say("")
    for item in states:
        marks = {"needed": style("▸", "yellow"), "not needed": style("·", "dim")}
        mark = marks.get(item.state, style("✓", "green"))
        said = item.why or item.state
        say(f"{mark} {item.name:<12} {said}".rstrip())
        for line in item.would:
            say(style(f"    {line}", "dim"))


def _shown(name: str, value: str, environment: str) -> None:
    """Show a generated password once, to a person."""
    import sys

    from shipway.cli.output import secret_line

    if sys.stdout.isatty():
        say(f"{name}, shown only now:")
        secret_line(value)
    else:
        say(f"{name} was generated; `shipway secret export {environment} {name}` prints it")
