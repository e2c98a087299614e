"""`shipway backups`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.context import Context
    from shipway.domain.backups import Backup, Continuous

COLOURS = {"verified": "green", "damaged": "red", "failed": "red"}


@click.command()
@click.argument("environment", required=False)
@click.option("--ledger", is_flag=True, help="List the backups of the ledger, instead of an environment's")
@click.option(
    "--verify",
    metavar="NAME",
    help="Read this backup (or `latest`) from the store, and restore it into a scratch server",
)
@click.option(
    "--identity", metavar="FILE", help="With --verify: the private key [the secret `backups.key` of the plan]"
)
@click.option("--stored", is_flag=True, help="List what the store has, also backups that this ledger doesn't know")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def backups(
    options: Globals, environment: str | None, ledger: bool, verify: str | None, identity: str | None, stored: bool,
    as_json: bool, app: str | None,
) -> None:  # fmt: skip
    """List the backups of ENVIRONMENT, newest first, with their last verification."""
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    if ledger == bool(environment):
        raise UsageError("name an environment, or pass --ledger", hint="shipway backups ENVIRONMENT")
    if ledger and (verify or stored):
        raise UsageError("--verify and --stored are for an environment", hint="shipway backups ENVIRONMENT")
    if identity and not verify:
        raise UsageError(
            "--identity is for --verify", hint="shipway backups ENVIRONMENT --verify latest --identity FILE"
        )
    reader = "reader" if not verify else options.actor
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=reader) as ctx:
        if ledger:
            _show(ctx.ledger.backups("", ""), "the ledger", ctx.clock(), as_json=as_json)
            return
        plan, where = options.known_app(ctx, app).with_plan(environment or "")
        if verify:
            from shipway.actions.backups.verify import verify as check

            done = check(ctx, plan.app, where.name, verify, private_key(identity))
            if as_json:
                _show([done], str(environment), ctx.clock(), as_json=True)
            else:
                say(f"backup {done.name} of {environment}: {style(done.state, COLOURS[done.state])}: {done.how}")
            return
        known = ctx.ledger.backups(plan.app, where.name)
        if stored:
            from shipway.actions.backups.restore import stored_names
            from shipway.actions.backups.target import target_of
            from shipway.actions.environment.serving import serving

            _, release, place = serving(ctx, plan.app, where.name)
            found, mine = stored_names(target_of(ctx, release, place)), {item.name for item in known}
            if as_json:
                say(json.dumps(found, indent=2))
            for name in found if not as_json else ():
                say(name if name in mine else f"{name}  (not made by this ledger)")
            return
        _show(known, str(environment), ctx.clock(), as_json=as_json)
        continuous = where.backups.continuous if where.backups else None
        if continuous is not None and not as_json:
            _show_archive(ctx, plan.app, where.name, continuous)


def private_key(path: str | None) -> str | None:
    """The private key in a file; None without one. UsageError if the file has none."""
    if path is None:
        return None
    from pathlib import Path

    from shipway.domain.errors import UsageError
    from shipway.system.sealing import read_identity

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}", hint="--identity FILE, with a private key") from error
    return read_identity(text)


def _show_archive(ctx: Context, app: str, environment: str, settings: Continuous) -> None:
    from shipway.actions.backups.archive import archived
    from shipway.cli.status import archive_lines
    from shipway.domain.backups import Archived

    state, now = archived(ctx, app, environment) or Archived(), ctx.ledger.now()
    for line in archive_lines(state, now, late=state.late(settings, now)):
        say(line.strip())


def _lacking(item: Backup) -> str:
    return "; ".join(f"without {part}: {why}" for part, why in item.manifest.lacks.items())


def _show(found: Sequence[Backup], what: str, now: float, *, as_json: bool) -> None:
    from shipway.domain.size import readable
    from shipway.system.durations import ago, timestamp

    if as_json:
        from shipway.domain.record import to_data

        say(json.dumps([to_data(item) for item in found], indent=2))
        return
    rows = [
        [item.name, timestamp(item.started), style(item.state, COLOURS.get(item.state, "yellow")), readable(item.manifest.size),
         str(sum(item.manifest.rows.values())), str(item.manifest.release or ""),
         ago(now - item.verified) if item.verified is not None else "",
         (item.problem or item.detail or _lacking(item) or item.how).partition("\n")[0]]
        for item in found
    ]  # fmt: skip
    table(
        rows,
        ["backup", "when", "state", "stored", "rows", "release", "verified", "how, or why not"],
        narrow=("how, or why not",),
    )
    if not rows:
        say(f"there is no backup of {what}; `shipway backup` takes one")
