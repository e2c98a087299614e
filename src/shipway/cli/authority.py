"""`shipway authority`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.pass_obj
def authority(options: Globals, environment: str) -> None:
    """Print the certificate of the authority that signs for ENVIRONMENT's local name, for browsers and curl to trust."""
    from shipway.actions.environment.local_ca import authorities
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        for certificate in authorities(ctx, environment_of(load_plan(options.home), environment)):
            say(certificate.rstrip("\n"))
