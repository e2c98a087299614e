"""`shipway serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter

if TYPE_CHECKING:
    from shipway.ports import Forge, ProjectSource

MISSING = "the packages of the server are missing"


@click.command()
@click.option("--listen", default="127.0.0.1:8470", metavar="ADDRESS:PORT", help="Where it listens [127.0.0.1:8470]")
@click.option("--at-once", default=2, metavar="COUNT", help="Pushes that are worked on at the same time [2]")
@click.option("--url", default="", help="The address by which people reach it, if a proxy with TLS is in front")
@click.option("--open-metrics", is_flag=True, help="Let everybody read /metrics, without a token")
@click.pass_obj
def serve(options: Globals, listen: str, at_once: int, url: str, open_metrics: bool) -> None:
    """Run pushes as they come, and show what runs where on a page, until Ctrl-C.

    What is in progress when it ends goes on by itself.
    """
    from contextlib import suppress

    from shipway.app import open_context, plan_parser
    from shipway.domain.errors import UsageError
    from shipway.drivers import driver
    from shipway.ports.forge import ForgeAccess
    from shipway.system.installation import missing_part

    try:
        from shipway.server.serve import address_of, serve
    except ImportError as error:
        raise UsageError(f"{MISSING}: {error.name}", hint=missing_part("server")) from error

    where = address_of(listen)
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor or "server") as ctx:
        parse = plan_parser(ctx)

        def source(app: str) -> ProjectSource:
            found: ProjectSource = driver("project", "ledger")(ctx.names.app(app), ctx.ledger, ctx.home, parse)
            return found

        def forge(kind: str) -> Forge:
            found: Forge = driver("forge", kind)(ForgeAccess())
            return found

        with suppress(KeyboardInterrupt):  # how it ends
            serve(ctx, where, at_once, parse, source, forge, url, open_metrics)
