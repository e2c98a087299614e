"""`shipway token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import say, secret_line, style, table
from shipway.cli.user import APP, ENVIRONMENT, opened
from shipway.domain.permissions import PERMISSIONS

if TYPE_CHECKING:
    from shipway.domain.people import Token


@click.group()
def token() -> None:
    """Create and revoke API tokens: by one, a program acts on the server in a person's name, with some of what they may do."""


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def list_(options: Globals, as_json: bool) -> None:
    """List tokens and what they may do, never the tokens themselves."""
    from shipway.actions.people.manage import place
    from shipway.actions.people.tokens import tokens
    from shipway.system.durations import timestamp

    with opened(options, actor="reader") as ctx:
        found = tokens(ctx)
        if as_json:
            import json

            from shipway.domain.record import to_data

            say(json.dumps(to_data(found), indent=2))
            return
        now = ctx.ledger.now()
        rows = [
            [
                str(item.id), item.name, item.person, " ".join(item.permissions), place(item.app, item.environment),
                _state(item, now), timestamp(item.used) if item.used is not None else "never",
            ]
            for item in found
        ]  # fmt: skip
        table(rows, ["id", "for", "of", "may", "where", "state", "last used"])
        if not rows:
            say("there are no tokens; `shipway token create` makes one")


def _state(item: Token, now: float) -> str:
    from shipway.system.durations import timestamp

    if item.expires <= now or (item.revoked is not None and item.revoked >= item.expires):
        return style("expired", "yellow")
    return style("revoked", "red") if item.revoked is not None else f"until {timestamp(item.expires)}"


@token.command()
@click.argument("name")
@click.option("--of", "person", metavar="EMAIL", required=True, help="The person in whose name it acts")
@click.option(
    "--allow", multiple=True, required=True, type=click.Choice(list(PERMISSIONS)), metavar="PERMISSION",
    help="What it may do, as far as the person may; several times for more",
)  # fmt: skip
@click.option("--days", default=90, show_default=True, help="How long it is valid, at most 366")
@APP
@ENVIRONMENT
@click.pass_obj
def create(
    options: Globals, name: str, person: str, allow: tuple[str, ...], days: int, app: str, environment: str
) -> None:
    """Create a token and print it once. NAME says what it is for."""
    from shipway.actions.people.tokens import create_token

    with opened(options) as ctx:
        made = create_token(ctx, None, person, name, allow, days, app, environment)
        secret_line(made.secret)
        say(f"this is the token {made.record.id}; it is not shown again", err=True)


@token.command()
@click.argument("number", type=int)
@click.pass_obj
def revoke(options: Globals, number: int) -> None:
    """Revoke the token NUMBER of `shipway token list`: it is refused from now on."""
    from shipway.actions.people.tokens import revoke_token

    with opened(options) as ctx:
        found = revoke_token(ctx, None, number)
        say(f"the token {number} of {found.person}, for {found.name}, is revoked")
