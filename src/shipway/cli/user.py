"""`shipway user`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, secret_line, style, table
from shipway.domain.permissions import ALL, ROLES

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from shipway.context import Context

HERE = "http://127.0.0.1:8470"  # where `shipway serve` listens unless it is told otherwise
ROLE = click.Choice(ROLES)
APP = click.option("--app", metavar="NAME", default=ALL, help="Only for this app [all]")
ENVIRONMENT = click.option("--environment", metavar="NAME", default=ALL, help="Only for this environment [all]")


@click.group()
def user() -> None:
    """Add people who use the server, and say what they may do. Whoever has the home folder can do all of this; on the server,
    an admin can. Roles: viewer, developer, releaser and admin; each may do what those before it may."""


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def list_(options: Globals, as_json: bool) -> None:
    """List people and their roles."""
    from shipway.actions.people.manage import people, place

    with opened(options, actor="reader") as ctx:
        found = people(ctx)
        if as_json:
            import json

            from shipway.domain.record import to_data

            say(json.dumps(to_data(found), indent=2))
            return
        rows = [
            [
                item.name,
                "; ".join(f"{each.role} for {place(each.app, each.environment)}" for each in item.grants) or "none",
                ("password and code" if item.totp else "password") if item.password else "no password yet",
            ]
            for item in found
            if item.active
        ]
        table(rows, ["person", "roles", "signs in with"])
        if not rows:
            say("there are no people yet; `shipway user add ada@example.org --role admin` adds the first one")


@user.command()
@click.argument("name")
@click.option("--role", type=ROLE, help="Give them this role too")
@APP
@ENVIRONMENT
@click.pass_obj
def add(options: Globals, name: str, role: str | None, app: str, environment: str) -> None:
    """Add NAME, an e-mail address."""
    from shipway.actions.people.manage import add_person
    from shipway.actions.people.manage import grant as give
    from shipway.actions.people.permitted import scope_of

    with opened(options) as ctx:
        scope_of(ctx, app, environment)  # before anything is changed
        person = add_person(ctx, None, name)
        if role:
            give(ctx, None, person, role, app, environment)
        say(f"{person} was added" + (f" as {role}" if role else ""))
        hint = f"`shipway user login-link {person}` prints an address to sign in with once; `shipway user password {person}` sets a password"
        say(hint if role else f"they may do nothing yet: `shipway user grant {person} viewer`", err=True)


@user.command()
@click.argument("name")
@click.pass_obj
def remove(options: Globals, name: str) -> None:
    """Remove NAME: their sessions and tokens end at once. What they did stays in the history."""
    from shipway.actions.people.manage import remove_person

    with opened(options) as ctx:
        remove_person(ctx, None, name)
        say(f"{name} was removed; their sessions and tokens have ended")


@user.command()
@click.argument("name")
@click.argument("role", type=ROLE)
@APP
@ENVIRONMENT
@click.pass_obj
def grant(options: Globals, name: str, role: str, app: str, environment: str) -> None:
    """Give NAME a ROLE, in place of the one that they had for the same app and environment."""
    from shipway.actions.people.manage import grant as give
    from shipway.actions.people.manage import place

    with opened(options) as ctx:
        given = give(ctx, None, name, role, app, environment)
        say(f"{given.person} is {role} for {place(app, environment)} now")
        if given.app != ALL and given.app not in ctx.ledger.apps():
            say(f"{style('notice:', 'yellow')} the ledger has no app {app} yet", err=True)


@user.command()
@click.argument("name")
@APP
@ENVIRONMENT
@click.pass_obj
def revoke(options: Globals, name: str, app: str, environment: str) -> None:
    """Take away the role that NAME has for exactly this app and environment."""
    from shipway.actions.people.manage import place
    from shipway.actions.people.manage import revoke as take

    with opened(options) as ctx:
        taken = take(ctx, None, name, app, environment)
        say(f"{taken.person} is no longer {taken.role} for {place(app, environment)}")


@user.command()
@click.argument("name")
@click.pass_obj
def password(options: Globals, name: str) -> None:
    """Set the password of NAME, and end their sessions. It is prompted for, or read from stdin; it has at least 12
    characters."""
    from shipway.actions.people.password import set_password
    from shipway.system.passwords import Passwords

    with opened(options) as ctx:
        given = _password(name)
        ctx.redactor.add({"password": given})
        set_password(ctx, Passwords(), None, name, given)
        say(f"the password of {name} is set; their sessions have ended")


def _password(name: str) -> str:
    from shipway.domain.errors import UsageError
    from shipway.domain.people import MOST

    if sys.stdin.isatty():
        return str(
            click.prompt(
                f"password for {name}", hide_input=True, confirmation_prompt=True, default="", show_default=False
            )
        )
    try:
        return sys.stdin.buffer.read(8 * MOST).removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise UsageError("the password on stdin is not valid UTF-8") from error


@user.command("login-link")
@click.argument("name")
@click.option("--url", metavar="ADDRESS", help=f"The server's address [{HERE}]")
@click.pass_obj
def login_link(options: Globals, name: str, url: str | None) -> None:
    """Print an address by which NAME signs in once, within ten minutes, without password and code."""
    from shipway.actions.people.sign_in import make_link

    with opened(options) as ctx:
        secret = make_link(ctx, name)
        secret_line(f"{(url or HERE).rstrip('/')}/sign-in?link={secret}")
        say("it works once, within ten minutes; whoever has it is signed in", err=True)


def opened(options: Globals, actor: str | None = None) -> AbstractContextManager[Context]:
    """The context of a command about people. actor: another one than the user."""
    from shipway.app import open_context

    return open_context(options.home, TerminalReporter(quiet=options.quiet), actor=actor or options.actor)
