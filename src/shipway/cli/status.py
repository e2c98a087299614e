"""`shipway status`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

LATE = 30.0  # seconds of tolerance for what ends in the background


def _overdue(until: float, now: float) -> str:
    """A remark on what should have ended: the process in charge is gone, as after a hosted job."""
    return ": overdue, the next deployment or `shipway retire` ends it" if now > until + LATE else ""


@click.command()
@app_option
@click.option("--json", "as_json", is_flag=True, help="For programs")
@click.pass_obj
def status(options: Globals, as_json: bool, app: str | None) -> None:
    """What runs in each environment: the ledger's word beside what the engine says."""
    from shipway.actions.environment.former_hosts import remedy
    from shipway.actions.upkeep.status import status as read
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        found = [read(ctx, known.name, environment) for environment in known.environments()]
        if found and all(len(item.away) == len(item.environment.hosts) for item in found):
            known.ctx.runtime.ping()  # its own error if this machine's engine is unreachable
        if as_json:
            from shipway.domain.record import to_data

            keys = (
                "current",
                "latest",
                "services",
                "crashing",
                "edge_down",
                "away",
                "former_hosts",
                "standby",
                "draining",
                "strays",
                "accessories",
                "lease",
                "versions",
                "ahead",
                "accepted",
                "drill",
            )
            say(
                json.dumps(
                    {item.environment.name: {key: to_data(getattr(item, key)) for key in keys} for item in found},
                    indent=2,
                )
            )
            return
        from shipway.domain.release import DESTROY
        from shipway.system.durations import ago, moment

        for name in sorted({name for item in found for name in item.edge_down}):
            say(
                f"{style('the edge is down', 'red')}: {name} doesn't run, requests to its ports get no answer; `shipway doctor --fix` starts it"
            )
        say(style(known.name, "bold"))
        for item in found:
            say(f"\n  {style(item.environment.name, 'bold')}  {item.environment.url}")
            if item.lease:
                say(f"    {style('under way', 'yellow')}: {item.lease.reason}, by {item.lease.who}")
            if item.current is None or item.release is None:
                gone = item.latest if item.latest and item.latest.kind == DESTROY else None
                say(
                    f"    destroyed {ago(ctx.clock() - gone.started)} by {gone.actor}"
                    if gone
                    else "    nothing was deployed here yet"
                )
            else:
                version = f" {style(item.versions[-1], 'green')}" if item.versions else ""
                since = ago(ctx.clock() - (item.current.finished or item.current.started))
                say(f"    release {item.release.number}{version}  {item.release.revision[:12]}  {item.release.subject}")
                say(
                    f"    {item.current.kind} {since} by {item.current.actor}"
                    + (f", schema {item.current.schema}" if item.current.schema else "")
                )
                if item.ahead:
                    say(f"    {style('the schema is ahead of the code', 'yellow')}, which was made for {item.ahead}")
                if item.drill:
                    when, walked = item.drill
                    outcome = walked.trial.verdict if walked.passed else style(walked.trial.verdict, "red")
                    took = f"{walked.seconds:.0f} s"
                    say(
                        f"    way back drilled {ago(ctx.clock() - when)}: to release {walked.target}, {walked.way}, {took}: {outcome}"
                    )
                for word in item.accepted:
                    over = "expired" if word.expires <= ctx.clock() else f"until {moment(word.expires, ctx.clock())}"
                    say(f"    {style('accepted', 'yellow')}: {word.finding}, by {word.actor}, {over}: {word.reason}")
            for words in item.away:
                say(f"    {style('●', 'red')} {words}")
            for host, why in item.former_hosts.items():
                say(
                    f"    {style('●', 'red')} {host} is not in the plan any more, and what ran there may still run: {why}"
                )
                say(style(f"      {remedy(item.environment.name, host)}", "dim"))
            for name, (running, wanted) in item.services.items():
                colour = "green" if running == wanted else "red"
                say(f"    {style('●', colour)} {name:<14} {running}/{wanted} running")
            for name in item.crashing:
                say(f"    {style('●', 'red')} {name} exits again and again: see `docker logs`")
            for name, state in item.accessories.items():
                say(f"    {style('●', 'green' if state == 'running' else 'red')} {name:<14} {state}")
            for warm in item.standby:
                what = f"stands by for a rollback until {moment(warm.until, ctx.clock())}"
                say(f"    {style('○', 'green')} release {warm.release:<6} {what}{_overdue(warm.until, ctx.clock())}")
            for old in item.draining:
                what = f"drains until its open requests have ended, at most until {moment(old.until, ctx.clock())}"
                say(f"    {style('○', 'yellow')} release {old.release:<6} {what}{_overdue(old.until, ctx.clock())}")
            for name in item.strays:
                say(f"    {style('●', 'yellow')} {name} belongs to no current release")
            if item.latest and item.latest.outcome == "failed" and item.latest is not item.current:
                say(
                    f"    {style('the last deployment failed', 'red')}: release {item.latest.release}: {item.latest.detail.partition(chr(10))[0]}"
                )
