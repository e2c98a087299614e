"""`shipway serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter

if TYPE_CHECKING:
    from shipway.ports import Forge, ProjectSource

UNIT = "/etc/systemd/system/shipway.service"
MISSING = "the packages of the server are missing"


@click.command()
@click.option("--listen", default="127.0.0.1:8470", metavar="ADDRESS:PORT", help="Where it listens [127.0.0.1:8470]")
@click.option("--at-once", default=2, metavar="COUNT", help="Pushes that are worked on at the same time [2]")
@click.option("--url", default="", help="The address by which people reach it, if a proxy with TLS is in front")
@click.option(
    "--install", is_flag=False, flag_value=UNIT, metavar="[FILE]",
    help=f"Write a unit of systemd with these options, and end [{UNIT}]",
)  # fmt: skip
@click.option("--observe", is_flag=True, hidden=True, help="Be the process that reads the environments")
@click.pass_obj
def serve(options: Globals, listen: str, at_once: int, url: str, install: str | None, observe: bool) -> None:
    """Run pushes as they come, do what `shipway tick` does, and show what runs where on a page, until Ctrl-C.

    What is in progress when it ends goes on by itself.
    """
    from contextlib import suppress

    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.drivers import driver
    from shipway.ports.forge import ForgeAccess
    from shipway.system.installation import missing_part

    try:
        from shipway.server.serve import address_of, serve
    except ImportError as error:
        raise UsageError(f"{MISSING}: {error.name}", hint=missing_part("server")) from error

    if observe:
        _observe(options)
        return
    where = address_of(listen)
    if install:
        _install(options, install, ["--listen", listen, "--at-once", str(at_once), *(["--url", url] if url else [])])
        return
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor or "server") as ctx:

        def forge(kind: str) -> Forge:
            found: Forge = driver("forge", kind)(ForgeAccess())
            return found

        with suppress(KeyboardInterrupt):  # how it ends
            serve(ctx, where, at_once, forge, url)


def _install(options: Globals, file: str, words: list[str]) -> None:
    from pathlib import Path

    from shipway.server.unit import VARIABLES, install, unit
    from shipway.system.background import own_command

    home = options.home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    install(Path(file), unit(own_command("--home", str(home), "serve", *words), home))
    click.echo(f"wrote {file}; variables such as SHIPWAY_LEDGER belong in {VARIABLES}")
    click.echo(f"next: systemctl daemon-reload && systemctl enable --now {Path(file).name}")


def _observe(options: Globals) -> None:
    from shipway.app import open_context, plan_parser
    from shipway.drivers import driver
    from shipway.server.observer import Observer
    from shipway.server.watcher import observe

    with open_context(options.home, TerminalReporter(silent=True), actor="server") as ctx:
        parse = plan_parser(ctx)

        def source(app: str) -> ProjectSource:
            found: ProjectSource = driver("project", "ledger")(ctx.names.app(app), ctx.ledger, ctx.home, parse)
            return found

        observe(Observer(ctx, parse, source))
