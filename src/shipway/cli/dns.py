"""`shipway dns`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

if TYPE_CHECKING:
    from shipway.domain.dns import DnsPlan, RecordSet, Sighting

COLOURS = {"+": "green", "-": "red", "~": "yellow"}


@click.command()
@click.argument("environment")
@click.option("--apply", "digest", metavar="DIGEST", help="Make the changes that were shown with this digest")
@click.option("--ttl", metavar="DURATION", help="Time to live in place of the plan's, such as 60s ahead of a move")
@click.option(
    "--adopt", metavar="NAME", multiple=True, help="Take over the records of this name, which someone else made"
)
@click.option("--remove", is_flag=True, help="Remove the records that Shipway made for it; with --apply, as shown")
@click.option("--wait", "wait", metavar="DURATION", default="2m", show_default=True, help="With --apply: how long to wait until servers show the records")  # fmt: skip
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def dns(
    options: Globals, environment: str, digest: str | None, ttl: str | None, adopt: tuple[str, ...], remove: bool,
    wait: str, app: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show which records ENVIRONMENT needs and its zone lacks, or --apply them. Records that Shipway didn't make are left
    alone, also by --remove. The plan is that of the protected branch. The exit code is 28 if servers don't show the records in time."""
    from shipway.actions.provisioning.dns import apply_dns, plan_dns, unfinished, wait_until_seen
    from shipway.actions.provisioning.in_force import governed
    from shipway.app import open_context, plan_parser
    from shipway.cli.approve import seconds_of
    from shipway.domain.errors import TimedOut, UsageError

    if remove and (ttl or adopt):
        raise UsageError("--remove takes neither --ttl nor --adopt", hint=f"shipway dns {environment} --remove")
    lower = seconds_of(ttl, "--ttl") if ttl else None
    limit = seconds_of(wait, "--wait")
    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        of = governed(ctx, options.known_app(ctx, app), plan_parser(ctx), environment)
        died = unfinished(of)
        if died is not None and not as_json:
            say(f"the change of records by {died.actor} did not end; what is missing of it is among these changes")
        if digest is None:
            plan = plan_dns(of, ttl=lower, adopt=adopt, remove=remove)
            if as_json:
                say(json.dumps(_data(plan), indent=2))
            else:
                _show(plan, environment, ttl, adopt, remove)
                if remove and plan.changes and (now := ctx.ledger.current(of.plan.app, of.environment.name)):
                    say(style(f"release {now.release} runs there: visitors will no longer find it", "red"))
            return
        plan = apply_dns(of, digest, ttl=lower, adopt=adopt, remove=remove)
        if not as_json:
            _show_changes(plan)
            say(f"{plan.zone}: {len(plan.changes)} changes made" if plan.changes else f"{plan.zone}: nothing to change")
        late = [] if remove else wait_until_seen(of, plan.desired, seconds=limit)
        if as_json:
            say(json.dumps(_data(plan, late), indent=2))
        for seen, item in late:
            say(_late(seen, item), err=as_json)
        if lower is not None and plan.slowest:
            say(f"resolvers may keep the old records for {plan.slowest} seconds: move after that", err=as_json)
        if late:
            raise TimedOut(
                f"the records are made, but {len(late)} answers still differ",
                hint=f"look again later: shipway dns {environment}",
            )
        if remove:
            say(f"{plan.zone} has no record that Shipway made for {environment}", err=as_json)
            return
        say(f"all servers show the records of {environment}", err=as_json)


def _show(plan: DnsPlan, environment: str, ttl: str | None, adopt: tuple[str, ...], remove: bool) -> None:
    _show_changes(plan)
    if not plan.changes:
        has = "no record that Shipway made for" if remove else "all records of"
        say(f"{plan.zone} has {has} {environment}")
        return
    more = (
        (f" --ttl {ttl}" if ttl else "")
        + (" --remove" if remove else "")
        + "".join(f" --adopt '{name}'" for name in adopt)
    )
    say(f"apply them: shipway dns {environment}{more} --apply {plan.short_digest}")


def _show_changes(plan: DnsPlan) -> None:
    for change in plan.changes:
        say(style(change.text, COLOURS[change.text[0]]))
    for text in plan.foreign:
        say(f"{style('!', 'yellow')} {text}; --adopt takes it over")
    for name in plan.outside:
        say(style(f"· {name} is not in {plan.zone}: its record is up to you", "dim"))


def _late(seen: Sighting, item: RecordSet) -> str:
    who = f"{seen.role} {seen.server}" if seen.role == "resolver" else f"{seen.role} server {seen.server}"
    if seen.values is None:
        return f"{who}: {seen.problem} ({item.name} {item.kind})"
    keeps = f", for at most {seen.ttl} more seconds" if seen.ttl and seen.role == "resolver" else ""
    return f"{who} shows {item.name} {item.kind} {', '.join(seen.values) or 'nothing'}{keeps}; expected {', '.join(item.values)}"


def _data(plan: DnsPlan, late: list[tuple[Sighting, RecordSet]] | None = None) -> dict[str, object]:
    from shipway.domain.record import to_data

    found = {"digest": plan.digest, **to_data(plan)}
    return found if late is None else {**found, "late": [to_data(seen) for seen, _ in late]}
