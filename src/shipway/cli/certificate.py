"""`shipway certificate`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.option("--renew", is_flag=True, help="Renew it now, although it is not due")
@app_option
@click.pass_obj
def certificate(options: Globals, environment: str, renew: bool, app: str | None) -> None:
    """Obtain the certificate of ENVIRONMENT by DNS, and put it in place at the edges of its hosts.

    It does so if there is no certificate yet, if its renewal is due, or if it lacks a name. `shipway tick` renews it in time. The
    plan is that of the protected branch."""
    from shipway.actions.provisioning.certificate import obtain
    from shipway.actions.provisioning.in_force import governed
    from shipway.app import open_context, plan_parser
    from shipway.system.durations import moment

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        of = governed(ctx, options.known_app(ctx, app), plan_parser(ctx), environment)
        found = obtain(of, renew=renew)
        now = ctx.ledger.now()
        until, due = moment(found.held.expires, now), moment(found.held.renewed_from, now)
        say(f"{'obtained' if found.why else 'has'} a certificate for {', '.join(found.held.names)}")
        say(f"valid until {until}; `shipway tick` renews it from {due} on")
        for host in found.hosts:
            say(f"in place on {host}")
