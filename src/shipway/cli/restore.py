"""`shipway restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.plan import Environment, Plan


@click.command()
@click.argument("environment", required=False)
@click.argument("snapshot", type=int, required=False)
@click.option("--backup", "name", metavar="NAME", help="A backup from the store, instead of a snapshot; or `latest`")
@click.option(
    "--to-time", metavar="TIME", help="The database as it was then (in UTC, or with a zone), by `backups.continuous`"
)
@click.option(
    "--identity",
    metavar="FILE",
    help="With --backup, --to-time or --ledger: the private key [the secret `backups.key` of the plan]",
)
@click.option("--ledger", is_flag=True, help="Restore the ledger and its key into a new home folder")
@click.option("--from", "origin", metavar="STORE", help="With --ledger: a folder, or s3://bucket/prefix")
@click.option("--endpoint", metavar="URL", help="With --from: the address of an S3-compatible store [AWS]")
@click.option("--region", default="us-east-1", show_default=True, help="With --from: the region of the bucket")
@click.option("--yes", is_flag=True, help="Restore it, and lose the data written since then")
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.pass_obj
def restore(
    options: Globals, environment: str | None, snapshot: int | None, name: str | None, to_time: str | None, identity: str | None, ledger: bool,
    origin: str | None, endpoint: str | None, region: str, yes: bool, reason: str, wait: float, app: str | None,
) -> None:  # fmt: skip
    """Restore the database and the uploads of ENVIRONMENT from SNAPSHOT (a number), from a backup, or the database as it was at a time. Without --yes, only show what would be lost.

    A snapshot of the current database is taken first. Data written while this runs is lost as well: `shipway maintenance
    on` blocks the traffic. The code is not changed; if it was built for another schema, run `shipway rollback` next.
    """
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    if ledger:
        if environment or not origin or not identity:
            raise UsageError(
                "the ledger comes back from a store, with a private key",
                hint="shipway restore --ledger --from STORE --identity FILE",
            )
        _ledger(options, origin, endpoint, region, name or "latest", identity)
        return
    if not environment or sum(item is not None for item in (snapshot, name, to_time)) != 1:
        raise UsageError(
            "name an environment, and a snapshot, a backup or a time",
            hint="shipway restore ENVIRONMENT SNAPSHOT, or --backup NAME, or --to-time TIME",
        )
    if origin or endpoint or (identity and not (name or to_time)):
        raise UsageError(
            "--from and --endpoint are for --ledger, and --identity for a backup or a time",
            hint="shipway restore --help",
        )
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        if name is not None:
            from shipway.cli.backups import private_key

            snapshot = _fetched(ctx, plan, where, name, private_key(identity), yes=yes, wait=wait)
        if to_time is not None:
            from shipway.cli.backups import private_key

            snapshot = _replayed(ctx, plan, where, to_time, private_key(identity), yes=yes, wait=wait)
        assert snapshot is not None
        why = f"backup {name}" if name else f"to {to_time}" if to_time else ""
        _restore(ctx, plan, where, snapshot, reason or why, yes=yes, wait=wait)


def _fetched(
    ctx: Context, plan: Plan, where: Environment, name: str, private: str | None, *, yes: bool, wait: float
) -> int:
    """The number of the snapshot that a backup becomes."""
    from shipway.actions.backups.restore import fetch, open_backup
    from shipway.domain.backups import describe
    from shipway.domain.errors import UsageError
    from shipway.system.durations import timestamp

    target, manifest, key = open_backup(ctx, plan.app, where.name, name, private)
    say(
        f"backup {manifest.name} of {timestamp(manifest.at)}: {describe(manifest)}; release {manifest.release}, schema "
        f"{manifest.schema or 'unknown'}"
    )
    if not yes:
        raise UsageError(
            "nothing was changed", hint="pass --yes to fetch and restore it; all data written since then is lost"
        )
    return fetch(ctx, plan.app, where.name, target, manifest, key, wait=wait).number


def _replayed(
    ctx: Context, plan: Plan, where: Environment, text: str, private: str | None, *, yes: bool, wait: float
) -> int:
    """The number of the snapshot that a time becomes."""
    from shipway.actions.backups.point_in_time import fetch_moment, open_moment
    from shipway.domain.count import counted
    from shipway.domain.errors import UsageError
    from shipway.system.durations import past, timestamp

    moment = open_moment(ctx, plan.app, where.name, past(text, ctx.clock()), private)
    say(
        f"{timestamp(moment.at)} UTC, from backup {moment.manifest.name} and {counted(len(moment.segments), 'segment')} of the log of "
        "changes; files of volumes stay as they are"
    )
    if not yes:
        raise UsageError(
            "nothing was changed", hint="pass --yes to replay and restore it; all data written since then is lost"
        )
    return fetch_moment(ctx, plan.app, where.name, moment, wait=wait).number


def _restore(
    ctx: Context, plan: Plan, where: Environment, snapshot: int, reason: str, *, yes: bool, wait: float
) -> None:
    from shipway.actions.snapshots.restore import outlook, restore_snapshot
    from shipway.domain.errors import UsageError
    from shipway.system.durations import timestamp

    found = outlook(ctx, plan.app, where.name, snapshot)
    chosen = found.snapshot
    say(
        f"snapshot {chosen.number} of {timestamp(chosen.at)}: {chosen.cause}; release {chosen.release}, schema {chosen.schema or 'unknown'}"
    )
    say("data written or changed since then is lost; row counts:")
    for line in found.lost or ("no table has another row count",):
        say(f"  {line}")
    for line in found.volumes:
        say(f"  {line}")
    if not yes:
        raise UsageError("nothing was changed", hint="pass --yes to proceed")
    present = restore_snapshot(ctx, plan.app, where.name, snapshot, reason, wait=wait)
    say(
        style(
            f"{where.name} was restored from snapshot {snapshot}; snapshot {present.number} has the previous data",
            "green",
        )
    )


def _ledger(options: Globals, origin: str, endpoint: str | None, region: str, name: str, identity: str) -> None:
    import os
    from pathlib import Path

    from shipway.actions.backups.ledger import restore_ledger
    from shipway.actions.environment.ownership import MACHINE
    from shipway.actions.upkeep.adopt import take_ledger
    from shipway.app import backup_store, open_context
    from shipway.cli.backups import private_key
    from shipway.domain.backups import S3, Backups
    from shipway.domain.errors import UsageError
    from shipway.system.durations import timestamp
    from shipway.system.machine import machine_id

    if os.environ.get("SHIPWAY_LEDGER"):
        raise UsageError("SHIPWAY_LEDGER names another ledger", hint="unset it, or restore that server's own backup")
    origin = origin if origin.startswith(S3) else str(Path(origin).expanduser().absolute())
    given = Backups(origin, endpoint=endpoint, region=region)
    private = private_key(identity)
    assert private is not None
    made = restore_ledger(backup_store(given), given, name, private, options.home)
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor, adopting=True) as ctx:
        here = machine_id(options.home)
        if ctx.ledger.property(MACHINE) != here:
            take_ledger(ctx, here)
        say(
            f"the ledger of {timestamp(made.at)} is in {options.home}, with {'its' if len(made.parts) > 1 else 'no'} key"
        )
        for app in ctx.ledger.apps():
            for environment in ctx.ledger.environments(app):
                now = ctx.ledger.current(app, environment)
                if now is not None:
                    shown = f"{ctx.names.shown(app)}/{ctx.names.shown(app, environment)}"
                    say(f"  {shown}: release {now.release} ran there")
