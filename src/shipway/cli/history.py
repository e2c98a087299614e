"""`shipway history`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.actions.environment.environments import KnownApp
    from shipway.domain.operation import Operation
    from shipway.domain.purge import Purge
    from shipway.domain.release import Approval, Deployment

    Record = TypeVar("Record", Deployment, Operation)


@click.command()
@click.argument("environment", required=False)
@click.option("--limit", default=50, show_default=True, help="The most deployments to list")
@click.option(
    "--commands",
    is_flag=True,
    help="List what people ran there by exec, console, db and purge instead, and who was given or lost a role or a token",
)
@click.option("--reason", is_flag=True, help="Also print why each was made, and why it failed")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def history(
    options: Globals, environment: str | None, limit: int, commands: bool, reason: bool, as_json: bool, app: str | None
) -> None:
    """List all deployments, newest first, with their approvals: signed, or claimed (recorded without a signature). Long
    schema revisions are cut to the width of the terminal; --json has them whole."""
    from shipway.actions.deployments.waits import hotfix_of
    from shipway.actions.environment.observe import versions
    from shipway.actions.proofs.recorded import newest
    from shipway.app import open_context
    from shipway.domain.release import DEPLOY
    from shipway.domain.rollback_plan import label
    from shipway.shapes import approvals_of, history_data, purges_of
    from shipway.system.durations import human, timestamp

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        kept = known.environment(environment).name if environment else None
        if commands:
            _commands([_shown(known, item) for item in ctx.ledger.operations(known.name, kept, limit)], as_json=as_json)
            return
        found = [
            item for item in ctx.ledger.deployments(known.name, kept, limit) if ctx.sees(known.name, item.environment)
        ]
        if as_json:
            say(json.dumps(history_data(ctx, found, lambda item: _shown(known, item)), indent=2))
            return
        purges = purges_of(ctx, found)
        approved = {item.id: approvals_of(ctx, item) for item in found}
        releases = {number: ctx.ledger.release(known.name, number) for number in {item.release for item in found}}
        proofs = {
            item.id: newest(ctx, release, item.environment)
            for item in found
            if item.kind == DEPLOY and (release := releases[item.release])
        }
        hotfixes = {
            item.id: hotfix_of(ctx, item.app, item.environment, item.release) for item in found if item.kind == DEPLOY
        }
        rows = []
        names = dict.fromkeys(item.environment for item in found)
        waivers = [waiver for name in names for waiver in ctx.ledger.waivers(known.name, name)]
        for item in found:
            release = releases[item.release]
            colour = {"succeeded": "green", "failed": "red"}.get(item.outcome, "yellow")
            rows.append([
                str(item.id), timestamp(item.started), known.shown(item.environment), ", ".join(filter(None, (item.kind, label(item.way) if item.way else "", "hotfix" if hotfixes.get(item.id) else ""))), str(item.release),
                "/".join(versions(ctx, release)) if release else "", release.revision[:12] if release else "",
                style(item.outcome, colour), human(item.finished - item.started) if item.finished else "",
                item.schema or "", item.actor, _approvers(approved[item.id]), str(proofs.get(item.id) or ""),
            ])  # fmt: skip
        heading = [
            "id",
            "when",
            "environment",
            "kind",
            "release",
            "version",
            "revision",
            "outcome",
            "took",
            "schema",
            "by",
            "approved by",
            "rollback proof",
        ]
        if not any(proofs.values()):  # the table is wide
            rows, heading = [row[:-1] for row in rows], heading[:-1]
        if purges:
            heading.append("CDN")
            for row, item in zip(rows, found, strict=True):
                row.append("; ".join(_purged(each) for each in purges.get(item.id, [])))
        if reason:
            heading.append("reason")
            for row, item in zip(rows, found, strict=True):
                row.append(" | ".join(filter(None, (item.reason, item.detail.partition("\n")[0]))))
        table(rows, heading, narrow=("schema",))
        for waiver in sorted(waivers, key=lambda item: item.at, reverse=True):
            say(
                f"{timestamp(waiver.at)}  {waiver.actor} waived the proof of release {waiver.release} in {known.shown(waiver.environment)} until {timestamp(waiver.expires)}: {waiver.finding}: {waiver.reason}"
            )
        recorded = ctx.names
        renamings = recorded.of(known.name)
        for name in names:
            renamings += recorded.of(known.name, name)
        for each in renamings:
            what = (
                f"the environment first called {each.environment}"
                if each.environment
                else f"the app first called {each.app}"
            )
            why = f": {each.reason}" if each.reason else ""
            say(f"{timestamp(each.at)}  {each.actor} renamed {what} to {each.name}{why}")
        if not rows:
            say("nothing was deployed yet")
        for name in [kept] if kept else [item.name for item in known.environments()]:
            from shipway.actions.deployments.waits import hold_of
            from shipway.cli.status import waiting_lines

            waiting, hold = ctx.ledger.waiting(known.name, name), hold_of(ctx, known.name, name)
            if told := waiting_lines(known.shown(name), waiting, hold):
                say("\n".join([known.shown(name), *told]))


def _purged(purge: Purge) -> str:
    colour = {"succeeded": "green", "failed": "red"}.get(purge.outcome, "yellow")
    return f"{style(purge.outcome, colour)}: {purge.what or 'not decided yet'}"


def _shown(known: KnownApp, item: Record) -> Record:
    """With the present names."""
    from dataclasses import replace

    if item.app != known.name:  # of all apps
        return item
    return replace(item, app=known.shown_app, environment=known.shown(item.environment))


def _commands(found: Sequence[Operation], *, as_json: bool) -> None:
    from shipway.domain.record import to_data
    from shipway.system.durations import human, timestamp

    if as_json:
        say(json.dumps(to_data(found), indent=2))
        return
    rows = [
        [
            timestamp(item.started), item.environment, item.kind, item.service, f"r{item.release}" if item.release else "",
            "" if item.code is None else str(item.code), human(item.finished - item.started) if item.finished else "",
            f"{item.actor} ({item.login})", item.detail,
        ]
        for item in found
    ]  # fmt: skip
    table(rows, ["when", "environment", "kind", "service", "release", "exit code", "took", "by", "command"])
    if not rows:
        say("no one ran a command yet")


def _approvers(approvals: Sequence[Approval]) -> str:
    """The approvers without duplicates, marked if a signature proves who they are."""
    signed = {item.actor for item in approvals if item.signature}
    return ", ".join(
        f"{actor} ({'signed' if actor in signed else 'claimed'})"
        for actor in dict.fromkeys(item.actor for item in approvals)
    )
