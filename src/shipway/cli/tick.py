"""`shipway tick`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.context import Context


@click.command()
@click.option("--app", metavar="NAME", help="Only this app [all apps of the ledger]")
@click.option(
    "--only", type=click.Choice(["jobs", "backups", "previews"]), help="Only jobs, previews, or the rest [all]"
)
@click.pass_obj
def tick(options: Globals, app: str | None, only: str | None) -> None:
    """Start the jobs that are due on a schedule, record those that have ended, judge again the deployments that wait, renew certificates by DNS, repeat failed
    purges, store the log of changes of databases with `backups.continuous`, take the backups that are due, and verify the
    newest ones again. Make, update, close, wake and send to sleep the previews for which that is due. Deliver notifications and statuses that wait.

    Call it once a minute, by cron or a systemd timer, on one or several machines that share a ledger. It doesn't wait
    for the jobs, and prints nothing if there was nothing to do. The exit code is 10 if a job has failed in its last
    attempt. Deployments, certificates, purges and backups come last, one after another: meanwhile, another call does the jobs. A systemd
    timer waits for its last call, so create one each for `--only jobs`, `--only backups` and, where there are previews, `--only previews`.
    """
    from shipway.actions.messages.receivers import deliver_due
    from shipway.app import TELLING, open_context
    from shipway.cli.preview import tend_all
    from shipway.system.parallel import attempt_all

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        own = ctx.names.app(app) if app else None
        steps: list[Callable[[], object]] = [lambda: _jobs(ctx, own)] if only in (None, "jobs") else []
        steps += [lambda: tend_all(options, ctx, own)] if only in (None, "previews") else []
        rest = [lambda: _waiting(options, ctx, own), lambda: _backups(options, ctx, own)]
        steps += rest if only in (None, "backups") else []
        steps += [lambda: deliver_due(ctx, TELLING)]
        attempt_all(*steps)


def _jobs(ctx: Context, app: str | None) -> None:
    from shipway.actions.schedules import tick as schedules
    from shipway.domain.count import counted
    from shipway.domain.errors import StepFailed

    failed = schedules.tick(ctx, app)
    if failed:
        listed = ", ".join(dict.fromkeys(schedules.label(run) for run in failed))
        first = failed[0]
        raise StepFailed(
            f"{counted(len(failed), 'job')} failed: {listed}",
            hint=f"`shipway schedules {first.environment} {first.schedule} --app {first.app}` shows the last output",
        )


def _waiting(options: Globals, ctx: Context, app: str | None) -> None:
    from functools import partial

    from shipway.actions.runs.waiting import due, sources, take_up
    from shipway.app import plan_parser, recorded_repository
    from shipway.domain.errors import LeaseHeld
    from shipway.system.parallel import attempt_all

    def one(app: str, environment: str) -> None:
        known = options.known_app(ctx, app)
        try:
            take_up(known.ctx, app, environment, sources(known, plan_parser(ctx), recorded_repository))
        except LeaseHeld:  # another process does it
            return

    attempt_all(*(partial(one, item.app, item.environment) for item in due(ctx, app)))


def _backups(options: Globals, ctx: Context, app: str | None) -> None:
    from shipway.actions.backups.archive import archive_due
    from shipway.actions.backups.due import take_due
    from shipway.actions.backups.reverify import verify_due
    from shipway.actions.cdn.purge import retry_due
    from shipway.system.parallel import attempt_all

    steps: list[Callable[[], object]] = [
        lambda: _certificates(options, ctx, app),
        lambda: retry_due(ctx, app),
        lambda: archive_due(ctx, app),
        lambda: take_due(ctx, app),
        lambda: verify_due(ctx, app),
    ]
    if app is None:
        steps.append(lambda: _ledger(options, ctx))
    attempt_all(*steps)


def _certificates(options: Globals, ctx: Context, app: str | None) -> None:
    from shipway.actions.provisioning.certificate import renew_due
    from shipway.actions.provisioning.in_force import governed
    from shipway.app import plan_parser

    renew_due(ctx, app, lambda app, name: governed(ctx, options.known_app(ctx, app), plan_parser(ctx), name))


def _ledger(options: Globals, ctx: Context) -> None:
    """After the environments: then it knows their backups."""
    from shipway.actions.backups.ledger import backup_ledger, due_ledger
    from shipway.app import key_of_secrets

    at = due_ledger(ctx)
    if at is not None:
        made = backup_ledger(ctx, key_of_secrets(options.home), "", due=at)
        ctx.reporter.note(f"backup {made.name} of the ledger: {made.state}")
