"""`shipway status`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

if TYPE_CHECKING:
    from shipway.actions.environment.environments import KnownApp
    from shipway.actions.upkeep.status import EnvironmentStatus
    from shipway.domain.backups import Archived, BackupAge
    from shipway.domain.plan import Environment
    from shipway.domain.purge import Purge
    from shipway.domain.waiting import Hold, Waiting

PAUSE = 2.0  # seconds between looks of --watch
CLEAR = "\x1b[H\x1b[2J"
OLD = 180 * 86400.0  # seconds; a secret that is older is named
LATE = 30.0  # seconds of tolerance for the background clean-up


def _overdue(until: float, now: float) -> str:
    """A remark if the end is overdue: the background process died, as after a hosted job."""
    return ": overdue, the next deployment or `shipway retire` ends it" if now > until + LATE else ""


def _renewed_by(environment: Environment) -> str:
    """Who renews its certificate, or says why it was not renewed."""
    if environment.by_dns:
        return f"renew it: shipway certificate {environment.name}"
    if environment.tls and environment.tls.certificate:
        return f"set a renewed one as {environment.tls.certificate} and {environment.tls.key}, and deploy it"
    return "the edge should have renewed it, and `docker logs shipway-edge` on the host says why not"


@click.command()
@click.option("--watch", is_flag=True, help="Repeat every 2 s until Ctrl-C; without a terminal, print only changes")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --watch, a line for each change")
@click.pass_obj
def status(options: Globals, watch: bool, as_json: bool, app: str | None) -> None:
    """Show what runs in each environment, according to the ledger and the Docker Engine."""
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        if not watch:
            found = _read(known)
            if found and all(len(item.unreachable) == len(item.environment.hosts) for item in found):
                known.ctx.runtime.ping()  # its own error if this machine's engine is unreachable
            say(_text(known, found, as_json=as_json))
            return
        try:
            _watch(known, as_json=as_json)
        except KeyboardInterrupt:
            return  # how watching ends


def _watch(known: KnownApp, *, as_json: bool) -> None:
    import sys

    before = ""
    clear = sys.stdout.isatty() and not as_json
    while not known.ctx.cancelled.is_set():
        found = _read(known)
        state = _text(known, [_lasting(item) for item in found], as_json=True)
        if clear or state != before:
            text = _text(known, found, as_json=as_json, indent=None)
            if clear:
                sys.stdout.write(CLEAR)
            say(text if clear or as_json else f"{text}\n")
            sys.stdout.flush()
            before = state
        known.ctx.cancelled.wait(PAUSE)


def _lasting(item: EnvironmentStatus) -> EnvironmentStatus:
    """Without the time that a lock's owner moves on every few seconds."""
    import dataclasses

    return dataclasses.replace(item, lease=dataclasses.replace(item.lease, expires=0.0)) if item.lease else item


def _read(known: KnownApp) -> list[EnvironmentStatus]:
    from dataclasses import replace

    from shipway.actions.upkeep.status import status as read

    shown = [item for item in known.environments() if known.ctx.sees(known.name, item.name)]
    found = [read(known.ctx, known.name, environment) for environment in shown]
    return [
        replace(item, environment=replace(item.environment, name=known.shown(item.environment.name))) for item in found
    ]


def _text(known: KnownApp, found: Sequence[EnvironmentStatus], *, as_json: bool, indent: int | None = 2) -> str:
    if as_json:
        from shipway.shapes import status_data

        return json.dumps(status_data(found), indent=indent)
    return "\n".join(_lines(known, found))


def _purge(purge: Purge, environment: str, now: float) -> str:
    from shipway.system.durations import moment

    what = f"{purge.what or 'what changed'} ({purge.reason})"
    if not purge.pending:
        return f"the CDN was not purged of {what}, given up: {purge.detail}; `shipway purge {environment} --all` does"
    if not purge.attempts:
        return f"the CDN is not purged yet of {what}: `shipway tick` does"
    again = (
        f"next attempt {moment(purge.due, now)} by `shipway tick`" if purge.due > now else "`shipway tick` tries again"
    )
    return f"the CDN is not purged yet of {what}: {purge.detail}; {again}"


def archive_lines(found: Archived, now: float, *, late: bool) -> list[str]:
    """How far the log of changes is stored, and what is wrong with it."""
    from shipway.system.durations import ago

    text = (
        "log of changes: not stored yet" if found.until is None else f"log of changes stored {ago(now - found.until)}"
    )
    lines = [f"    {style(text, 'red') if late else text}" + ("; `shipway tick` stores it" if late else "")]
    lines += [f"    {style(item.partition(chr(10))[0], 'red')}" for item in (found.problem, found.gap) if item]
    return lines


def waiting_lines(environment: str, waiting: Waiting | None, hold: Hold | None) -> list[str]:
    """What waits there, for what, and the next step."""
    lines = []
    if hold:
        from shipway.actions.deployments.waits import hold_cause

        lines.append(f"    {style('on hold', 'yellow')}: {hold_cause(hold)}; `shipway resume {environment}` ends it")
    if waiting:
        from shipway.domain.refs import short_name
        from shipway.system.durations import timestamp

        since = f"{short_name(waiting.ref)} by {waiting.actor}, since {timestamp(waiting.at)}"
        lines.append(f"    {style(f'release {waiting.release} waits', 'yellow')} ({since}) for:")
        lines += [f"      - {reason}" for reason in waiting.why]
    return lines


def _backup_lines(environment: str, found: BackupAge, now: float) -> list[str]:
    from shipway.system.durations import ago

    last = f"last verified backup {ago(now - found.last)}" if found.last is not None else "no verified backup"
    lines = [
        f"    {style(last, 'red')}: a newer one is due; `shipway backup {environment}`" if found.late else f"    {last}"
    ]
    if found.problem:
        newest = f"{style('the newest backup', 'red')} failed or is damaged: {found.problem.partition(chr(10))[0]}"
        lines.append(f"    {newest}; `shipway backups {environment}`")
    if found.lacks:
        lines.append(f"    {style('a part of the newest backup failed', 'red')}: {found.lacks.partition(chr(10))[0]}")
    if found.damaged:
        listed = ", ".join(found.damaged)
        lines.append(f"    {style('damaged in the store', 'red')}: {listed}; `shipway backups {environment}` says why")
    if found.recheck or found.recheck_late:
        since = f"it was last verified {ago(now - found.verified)}" if found.verified is not None else "it never was"
        why = found.recheck.partition(chr(10))[0] or "`shipway tick` does it"
        lines.append(f"    {style('the last good backup is to be verified again', 'red')}: {since}; {why}")
    if found.archived is not None:
        lines += archive_lines(found.archived, now, late=found.archive_late)
    return lines


def _lines(known: KnownApp, found: Sequence[EnvironmentStatus]) -> list[str]:
    from shipway.actions.environment.former_hosts import remedy
    from shipway.actions.upkeep.progress import describe
    from shipway.domain.release import DEPLOY, DESTROY, PENDING
    from shipway.system.durations import ago, moment

    ctx = known.ctx
    lines: list[str] = []
    out = lines.append
    for name in sorted({name for item in found for name in item.edge_down}):
        out(
            f"{style('the edge is down', 'red')}: {name} doesn't run, requests to its ports get no answer; `shipway doctor --fix` starts it"
        )
    out(style(known.shown_app, "bold"))
    for item in found:
        out(f"\n  {style(item.environment.name, 'bold')}  {item.environment.url}")
        if item.lease:
            out(f"    {style('in progress', 'yellow')}: {item.lease.reason}, by {item.lease.who}")
        lines += waiting_lines(item.environment.name, item.waiting, item.hold)
        if item.current is None or item.release is None:
            gone = item.latest if item.latest and item.latest.destroyed else None
            out(
                f"    destroyed {ago(ctx.clock() - gone.started)} by {gone.actor}"
                if gone
                else "    nothing was deployed here yet"
            )
        else:
            version = f" {style(item.versions[-1], 'green')}" if item.versions else ""
            since = ago(ctx.clock() - (item.current.finished or item.current.started))
            out(f"    release {item.release.number}{version}  {item.release.revision[:12]}  {item.release.subject}")
            out(
                f"    {item.current.kind} {since} by {item.current.actor}"
                + (f", schema {item.current.schema}" if item.current.schema else "")
            )
            if item.hotfix:
                out(f"    {style('a hotfix', 'yellow')}, which was validated nowhere before: {item.hotfix}")
            if item.ahead:
                out(f"    {style('the schema is ahead of the code', 'yellow')}, which was built for {item.ahead}")
            if item.proof:
                out(f"    rollback proof {ago(ctx.clock() - item.proof.at)}: {item.proof}")
            if item.rehearsal:
                from shipway.domain.rollback_plan import label

                when, rehearsal = item.rehearsal
                verdict = rehearsal.trial.verdict
                outcome = verdict if rehearsal.passed else style(verdict, "red")
                out(
                    f"    rollback rehearsed {ago(ctx.clock() - when)}: to release {rehearsal.target}, {label(rehearsal.way)}, {rehearsal.seconds:.0f} s: {outcome}"
                )
            for waiver in item.waivers:
                until = moment(waiver.expires, ctx.clock())
                over = "expired" if waiver.expires <= ctx.clock() else f"until {until}"
                out(f"    {style('waived', 'yellow')}: {waiver.finding}, by {waiver.actor}, {over}: {waiver.reason}")
        if item.backups is not None:
            lines += _backup_lines(item.environment.name, item.backups, ctx.clock())
        for name, expires in item.certificates.items():
            from shipway.domain.system_test import EXPIRES

            internal = bool((item.environment.certificate or {}).get("internal"))
            if expires - ctx.clock() < (0.0 if internal else EXPIRES):
                days = (expires - ctx.clock()) / 86400
                words = f"expires in {days:.0f} days" if days > 0 else "has expired"
                out(f"    {style(f'the certificate of {name} {words}', 'red')}: {_renewed_by(item.environment)}")
        if item.renewal:
            out(f"    {style('the certificate was not renewed', 'red')}: {item.renewal}")
        if item.launch:
            what = f"{item.launch.step}: {item.launch.detail}".partition("\n")[0]
            again = f"`shipway launch {item.environment.name}` goes on"
            out(f"    {style('the launch is unfinished', 'yellow')}, at {what}; {again}")
        for problem in item.unreachable:
            out(f"    {style('●', 'red')} {problem}")
        for host, why in item.former_hosts.items():
            out(f"    {style('●', 'red')} {host} was removed from the plan, and its containers may still run: {why}")
            out(style(f"      {remedy(item.environment.name, host)}", "dim"))
        for name, (running, desired) in item.services.items():
            colour = "green" if running >= desired else "red"  # more, while a smaller number is drained
            changed = item.scaled.get(name)
            what = f": {style('scaled', 'yellow')} to {changed[0]}, the plan has {changed[1]}" if changed else ""
            out(f"    {style('●', colour)} {name:<14} {running}/{desired} running{what}")
        for name in item.crashing:
            out(f"    {style('●', 'red')} {name} is in a crash loop: see `shipway logs {item.environment.name}`")
        for name, state in item.accessories.items():
            out(f"    {style('●', 'green' if state in ('running', 'external') else 'red')} {name:<14} {state}")
        old_secrets = [secret for secret in item.secrets if ctx.clock() - secret.since > OLD]
        if old_secrets:
            listed = ", ".join(f"{secret.name} ({ago(ctx.clock() - secret.since)})" for secret in old_secrets[:3])
            more = f" and {len(old_secrets) - 3} more" if len(old_secrets) > 3 else ""
            out(
                f"    {style('●', 'yellow')} old secrets: {listed}{more}; `shipway secret rotate {item.environment.name}`"
            )
        for standby in item.standby:
            what = f"on standby until {moment(standby.until, ctx.clock())}"
            out(f"    {style('○', 'green')} release {standby.release:<6} {what}{_overdue(standby.until, ctx.clock())}")
        for old in item.draining:
            what = (
                f"draining: stops when its open requests have completed, at the latest {moment(old.until, ctx.clock())}"
            )
            out(f"    {style('○', 'yellow')} release {old.release:<6} {what}{_overdue(old.until, ctx.clock())}")
        for purge in item.purges:
            out(f"    {style('●', 'red')} {_purge(purge, item.environment.name, ctx.clock())}")
        for name in item.orphans:
            out(f"    {style('●', 'yellow')} {name} belongs to no current release")
        if item.latest and (item.latest.kind, item.latest.outcome) == (DESTROY, PENDING) and not item.lease:
            again = f"`shipway destroy {item.environment.name} --force` completes it"
            out(f"    {style('a destroy is incomplete', 'red')}, by {item.latest.actor}: {again}")
        elif item.latest and item.latest.outcome == PENDING and not item.lease:
            what = f"{describe(item.latest)} is unfinished"
            again = f"`shipway doctor {item.environment.name} --fix` completes it or rolls it back"
            out(f"    {style(f'the {what}', 'red')}: the process of {item.latest.actor} died; {again}")
        if item.latest and item.latest.outcome == "failed" and item.latest is not item.current:
            kind = "deployment" if item.latest.kind == DEPLOY else item.latest.kind
            out(
                f"    {style(f'the last {kind} failed', 'red')}: release {item.latest.release}: {item.latest.detail.partition(chr(10))[0]}"
            )
    return lines
