"""`shipway local-ca`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@app_option
@click.pass_obj
def local_ca(options: Globals, environment: str, app: str | None) -> None:
    """Print the certificate of the local CA that issues ENVIRONMENT's certificate. Browsers and curl must trust it."""
    from shipway.actions.environment.local_ca import ca_certificates
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        for certificate in ca_certificates(ctx, options.known_app(ctx, app).environment(environment)):
            say(certificate.rstrip("\n"))
