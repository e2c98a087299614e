"""`shipway infra`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

if TYPE_CHECKING:
    from shipway.domain.infra import InfraPlan, Taken

COLOURS = {"+": "green", "-": "red", "~": "yellow", "-/+": "red"}


@click.command()
@click.argument("environment")
@click.argument("action", type=click.Choice(["plan", "apply", "outputs", "drift", "destroy"]))
@click.argument("digest", required=False)
@click.option("--confirm", metavar="NAME", help="The environment's name: required if data is destroyed")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def infra(
    options: Globals, environment: str, action: str, digest: str | None, confirm: str | None, app: str | None, as_json: bool
) -> None:  # fmt: skip
    """Plan and apply the infrastructure of ENVIRONMENT, with the code of the protected branch.

    `plan` shows what would be changed; `apply DIGEST` does exactly that, and stores the outputs; `outputs` reads and stores them again; `drift` shows
    what was changed outside of the code, with exit code 16 if there is anything; `destroy` plans to destroy everything, and
    with a DIGEST does it."""
    from shipway.actions.provisioning.in_force import governed
    from shipway.actions.provisioning.infra import (
        apply_infra,
        drift_of,
        plan_infra,
        protected_of,
        take_outputs,
        unfinished,
    )
    from shipway.actions.upkeep.left_outside import has_records, records_left
    from shipway.app import open_context, plan_parser
    from shipway.domain.errors import DriftFound, UsageError

    if digest and action not in ("apply", "destroy"):
        raise UsageError(f"`{action}` takes no digest", hint=f"shipway infra {environment} {action}")
    if action == "apply" and not digest:
        raise UsageError("name the plan by its digest", hint=f"shipway infra {environment} plan")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        of = governed(ctx, options.known_app(ctx, app), plan_parser(ctx), environment)
        died = unfinished(of)
        if died is not None:
            say(f"{died.action} by {died.actor} did not end; the tool's state knows how far it came", err=True)
        if action == "outputs":
            _show_taken(take_outputs(of), environment, as_json=as_json)
        elif action == "drift":
            found = drift_of(of)
            if as_json:
                from shipway.domain.record import to_data

                say(json.dumps([to_data(item) for item in found], indent=2))
            else:
                for item in found:
                    _show_text(item.text)
                say("" if found else f"{environment} is as it was applied")
            if found:
                raise DriftFound(
                    f"{len(found)} resources of {environment} were changed outside of their code",
                    hint=f"see what would undo that: shipway infra {environment} plan",
                )
        elif digest is None:
            plan = plan_infra(of, destroy=action == "destroy")
            _show_plan(plan, environment, protected_of(of), as_json=as_json)
        else:
            plan, taken = apply_infra(of, digest, confirmed=confirm)
            if not as_json:
                say(f"{environment}: {len(plan.changes)} changes made")
            _show_taken(taken, environment, as_json=as_json)
            if plan.destroy and has_records(ctx, of.plan.app, of.environment.name):
                say(f"{environment}: {records_left(environment)}", err=as_json)


def _show_plan(plan: InfraPlan, environment: str, protect: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        changes = [
            {"address": item.address, "kind": item.kind, "action": item.action, "attributes": list(item.attributes)}
            for item in plan.changes
        ]
        say(
            json.dumps(
                {"digest": plan.digest, "destroy": plan.destroy, "revision": plan.revision, "changes": changes},
                indent=2,
            )
        )
        return
    _show_text(plan.text)
    if plan.is_empty:
        say(f"{environment} is as its code says")
        return
    if not plan.changes:
        say("only outputs change")
    lost = plan.destroyed_data(protect)
    if lost and not plan.destroy:
        say(style(f"it destroys what may hold data: {', '.join(lost)}", "red"))
    confirm = f" --confirm {environment}" if plan.destroy or lost else ""
    say(f"apply it: shipway infra {environment} {'destroy' if plan.destroy else 'apply'} {plan.short_digest}{confirm}")


def _show_text(text: str) -> None:
    for line in text.splitlines():
        sign = line.partition(" ")[0]
        say(style(line, COLOURS[sign]) if sign in COLOURS else line)


def _show_taken(found: Taken, environment: str, *, as_json: bool) -> None:
    if as_json:
        say(
            json.dumps(
                {"public": {key: list(value) for key, value in found.public.items()}, "secrets": sorted(found.secrets)},
                indent=2,
            )
        )
        return
    for name, values in found.public.items():
        say(f"{name}: {', '.join(values)}")
    for name in found.secrets:
        say(f"{name}: a secret of {environment} now")
