"""`shipway serve`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter

MISSING = "the packages of the server are missing"


@click.command()
@click.option("--listen", default="127.0.0.1:8470", metavar="ADDRESS:PORT", help="Where it listens [127.0.0.1:8470]")
@click.option("--at-once", default=2, metavar="COUNT", help="Pushes that are worked on at the same time [2]")
@click.pass_obj
def serve(options: Globals, listen: str, at_once: int) -> None:
    """Run pushes as they come, and show what runs where on a page, until Ctrl-C.

    What is in progress when it ends goes on by itself.
    """
    from contextlib import suppress

    from shipway.app import open_context, plan_parser
    from shipway.domain.errors import UsageError
    from shipway.drivers import driver

    try:
        from shipway.server.serve import address_of, serve
    except ImportError as error:
        raise UsageError(f"{MISSING}: {error.name}", hint="pip install 'shipway[server]'") from error

    host, port = address_of(listen)
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor or "server") as ctx:
        parse = plan_parser(ctx)
        with suppress(KeyboardInterrupt):  # how it ends
            serve(
                ctx,
                host,
                port,
                at_once,
                parse,
                lambda app: driver("project", "ledger")(ctx.names.app(app), ctx.ledger, ctx.home, parse),
            )
