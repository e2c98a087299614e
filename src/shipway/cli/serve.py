"""`shipway serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter
from shipway.cli.sizes import byte_size

if TYPE_CHECKING:
    from shipway.ports import Forge, ProjectSource
    from shipway.system.openid import Provider

UNIT = "/etc/systemd/system/shipway.service"
MISSING = "the packages of the server are missing"


@click.command()
@click.option("--listen", default="127.0.0.1:8470", metavar="ADDRESS:PORT", help="Where it listens [127.0.0.1:8470]")
@click.option("--at-once", default=2, metavar="COUNT", help="Pushes that are worked on at the same time [2]")
@click.option(
    "--largest-push", default="2G", metavar="SIZE", callback=byte_size, help="What a push by HTTP may have at most [2G]"
)
@click.option("--url", default="", help="The address by which people reach it, if a proxy with TLS is in front")
@click.option(
    "--install", is_flag=False, flag_value=UNIT, metavar="[FILE]",
    help=f"Write a unit of systemd with these options, and end [{UNIT}]",
)  # fmt: skip
@click.option("--observe", is_flag=True, hidden=True, help="Be the process that reads the environments")
@click.option(
    "--oidc-issuer", default="", metavar="URL", help="Let people sign in by this provider of OpenID Connect too"
)
@click.option("--oidc-client", default="", metavar="ID", help="This server's client id at the provider")
@click.option("--oidc-secret-file", metavar="FILE", help="A file with the client's secret [SHIPWAY_OIDC_SECRET]")
@click.option("--open-metrics", is_flag=True, help="Let everybody read /metrics, without a token")
@click.pass_obj
def serve(
    options: Globals,
    listen: str,
    at_once: int,
    largest_push: int,
    url: str,
    oidc_issuer: str,
    oidc_client: str,
    oidc_secret_file: str | None,
    open_metrics: bool,
    install: str | None,
    observe: bool,
) -> None:
    """Process pushes as they come, do what `shipway tick` does, and show what runs where on a page, until Ctrl-C.

    What is in progress when it ends goes on by itself.
    """
    from contextlib import suppress

    from shipway.app import open_context
    from shipway.cli.typed import typed
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
        given = {
            "--oidc-issuer": oidc_issuer,
            "--oidc-client": oidc_client,
            "--oidc-secret-file": oidc_secret_file,
            "--url": url,
        }
        words = [word for name, value in given.items() if value for word in (name, value)]
        words += ["--open-metrics"] if open_metrics else []
        _install(
            options,
            install,
            ["--listen", listen, "--at-once", str(at_once), "--largest-push", f"{largest_push >> 10}K", *words],
        )
        return
    base = url or f"http://{where[0]}:{where[1]}"
    provider = _provider(oidc_issuer, oidc_client, oidc_secret_file, base)
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor or "server") as ctx:

        def forge(kind: str) -> Forge:
            found: Forge = driver("forge", kind)(ForgeAccess())
            return found

        with suppress(KeyboardInterrupt):  # how it ends
            serve(ctx, where, at_once, forge, url, open_metrics, provider, largest_push, typed)


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


def _provider(issuer: str, client: str, secret_file: str | None, base: str) -> Provider | None:
    """None if none is named. UsageError if a part is missing."""
    import os
    from importlib.util import find_spec
    from pathlib import Path

    from shipway.domain.errors import UsageError
    from shipway.server.provider import BACK
    from shipway.system.installation import missing_part
    from shipway.system.openid import Provider, Settings, asking
    from shipway.system.redact import of_process

    if not issuer and not client:
        return None
    if find_spec("joserfc") is None:
        raise UsageError(f"{MISSING}: joserfc", hint=missing_part("server"))
    try:
        secret = (
            Path(secret_file).read_text(encoding="utf-8").strip()
            if secret_file
            else os.environ.get("SHIPWAY_OIDC_SECRET", "")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--oidc-secret-file {secret_file} can't be read: {getattr(error, 'strerror', error)}"
        ) from error
    if not (issuer and client and secret):
        raise UsageError(
            "a provider needs its address, this server's client id and the client's secret",
            hint="--oidc-issuer URL --oidc-client ID, and SHIPWAY_OIDC_SECRET or --oidc-secret-file FILE",
        )
    of_process().add({"secret of the OpenID client": secret})
    return Provider(Settings(issuer, client, f"{base.rstrip('/')}{BACK}", secret), asking())
