"""`shipway backup`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.backups import Backup


@click.command()
@click.argument("environment", required=False)
@click.option("--reason", default="", help="Why; shown in the list of backups")
@click.option(
    "--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for a deployment or another backup to end [0]"
)
@click.option("--new-key", metavar="FILE", help="Only write a new private key into FILE, and print its public key")
@click.option(
    "--ledger", is_flag=True, help="Back up the ledger with the key of its secrets, instead of an environment"
)
@click.option("--to", metavar="STORE", help="With --ledger: a folder, or s3://bucket/prefix; kept for later calls")
@click.option(
    "--recipient", "recipients", multiple=True, metavar="KEY", help="With --to: a public key; may be repeated"
)
@click.option("--endpoint", metavar="URL", help="With --to: the address of an S3-compatible store [AWS]")
@click.option("--region", default="us-east-1", show_default=True, help="With --to: the region of the bucket")
@click.option("--at", metavar="TIMES", help='With --to: when `shipway tick` takes one, such as "15 * * * *"')
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def backup(
    options: Globals, environment: str | None, reason: str, wait: float, new_key: str | None, ledger: bool, to: str | None,
    recipients: tuple[str, ...], endpoint: str | None, region: str, at: str | None, as_json: bool, app: str | None,
) -> None:  # fmt: skip
    """Back up the database and the uploads of ENVIRONMENT into the store of its plan, encrypted, and verify the stored copy.

    The services continue meanwhile. Backups that `keep` no longer needs are removed afterwards. `shipway restore` restores
    one. With --ledger and a bucket, credentials are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    """
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    if new_key:
        _write_key(new_key)
        return
    if ledger == bool(environment):
        raise UsageError("name an environment, or pass --ledger", hint="shipway backup ENVIRONMENT")
    if not ledger and (to or recipients or endpoint or at):
        raise UsageError(
            "--to, --recipient, --endpoint and --at are for --ledger", hint="an environment has `backups` in its plan"
        )
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        if ledger:
            given = {"to": to, "recipients": recipients, "endpoint": endpoint, "region": region, "at": at}
            made, what = _of_ledger(options, ctx, given, reason), "the ledger"
        else:
            from shipway.actions.backups.take import backup as take

            plan, where = options.known_app(ctx, app).with_plan(environment or "")
            made, what = take(ctx, plan.app, where.name, reason, wait=wait), str(environment)
        _show(made, what, as_json=as_json)


def _of_ledger(options: Globals, ctx: Context, given: dict[str, Any], reason: str) -> Backup:
    from pathlib import Path

    from shipway.actions.backups.ledger import backup_ledger, set_settings
    from shipway.app import key_of_secrets
    from shipway.domain.backups import S3, Backups
    from shipway.domain.errors import UsageError
    from shipway.system.cron import require_valid
    from shipway.system.sealing import check_recipients

    if given["to"]:
        if not given["recipients"]:
            raise UsageError(
                "--to needs --recipient", hint="`shipway backup --new-key FILE` makes a key, and prints its public key"
            )
        check_recipients(given["recipients"])
        if not given["to"].startswith(S3):
            given["to"] = str(Path(given["to"]).expanduser().absolute())
        if given["at"]:
            try:
                require_valid(given["at"])
            except ValueError as error:
                raise UsageError(f"--at {error}") from error
        set_settings(ctx, Backups(**given))
    elif given["recipients"] or given["endpoint"] or given["at"]:
        raise UsageError("--recipient, --endpoint and --at need --to")
    return backup_ledger(ctx, key_of_secrets(options.home), reason)


def _write_key(path: str) -> None:
    import os

    from shipway.domain.errors import UsageError
    from shipway.system.sealing import new_key

    private, public = new_key()
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"# public key: {public}\n{private}\n")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}", hint="name a file that doesn't exist") from error
    say(public)
    say(
        f"the private key is in {path}: without it no backup can be read; keep it off this machine, and a copy",
        err=True,
    )


def _show(made: Backup, what: str, *, as_json: bool) -> None:
    from shipway.domain.backups import describe

    if as_json:
        import json

        from shipway.domain.record import to_data

        say(json.dumps(to_data(made), indent=2))
        return
    say(f"backup {made.name} of {what} is in {made.store}: {describe(made.manifest)}")
    say(f"  {made.state}: {made.how}")
