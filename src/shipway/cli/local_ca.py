"""`shipway local-ca`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.pass_obj
def local_ca(options: Globals, environment: str) -> None:
    """Print the certificate of the local CA that issues ENVIRONMENT's certificate. Browsers and curl must trust it."""
    from shipway.actions.environment.local_ca import ca_certificates
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        for certificate in ca_certificates(ctx, environment_of(load_plan(options.home), environment)):
            say(certificate.rstrip("\n"))
