"""THE check of commands: whoever has proven who they are does no more by a command than they may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipway.actions.people.permitted import require
from shipway.context import Context
from shipway.domain.command_table import COMMANDS, OPTIONS, REMOTE, Command, is_number
from shipway.domain.errors import NotAllowed, UsageError
from shipway.domain.people import Identity, Token
from shipway.domain.permissions import ALL, ENVIRONMENT, PERMISSIONS, PROTECTED, SERVER, Grant, in_environment
from shipway.domain.plan import Environment
from shipway.domain.value import dataclass

HOW = "set SHIPWAY_TOKEN, or pass --token-file FILE, with a token of theirs: `shipway token create`"
UNKNOWN = Environment("", "", after="unknown")  # as if it were protected

# Of an app and an environment: as each plan that counts describes it.
Described = Callable[[str, str], Sequence[Environment]]


@dataclass(frozen=True)
class Commanded:
    """A command with its parameters. app: that of the folder, where none of them names one; empty if there is none."""

    path: str
    given: Mapping[str, Any]
    app: Callable[[], str] = str
    typed: frozenset[str] = frozenset()  # the parameters that were typed

    @property
    def row(self) -> Command:
        """Its row. What the table doesn't have is for who may do everything."""
        return COMMANDS.get(self.path) or Command(self.path, ("people",), "the table of commands has no row for it")


def require_command(ctx: Context, who: Identity | None, command: Commanded, described: Described) -> None:
    """NotAllowed if who has proven who they are may not do it. None: the actor is not proven, but has the home folder; NotAllowed
    then only for what counts as a person's decision, where people were added."""
    row = command.row
    if who is None:
        if row.person and command.given.get("key") is None and any(item.active for item in ctx.ledger.people()):
            raise NotAllowed(
                f"{ctx.actor} is not proven: people use a server here, so a token must prove who decides", hint=HOW
            )
        return
    app = _app(ctx, row, command)
    number = row.environments == ("target",) and is_number(command.given.get("target"))
    named = () if number else tuple(str(name) for key in row.environments if (name := command.given.get(key)))
    kept = [ctx.names.environment(app, name) if name != ALL and app != ALL else name for name in named]
    if (row.anywhere and not kept) or number:
        for permission in row.needed(command.given):
            if not any(who.may(permission, *place) for place in _places(who, app)):
                _refuse(who, permission, app, ALL)
        return
    for permission in row.needed(command.given):
        for environment in kept or [ALL]:
            _refuse(who, _there(who, permission, app, environment, described), app, environment)


def _app(ctx: Context, row: Command, command: Commanded) -> str:
    if not row.apps:
        return ALL
    name = next((str(found) for key in row.apps if (found := command.given.get(key))), "") or command.app()
    return ALL if name in ("", ALL) else ctx.names.app(name)


def _places(who: Identity, app: str) -> set[tuple[str, str]]:
    """The apps and environments for which something was given; of one app, if it isn't ALL."""
    given: list[Grant | Token] = [*who.grants, *([who.token] if who.token else [])]
    apps = {item.app for item in given} if app == ALL else {app}
    return {(name, item.environment) for name in apps for item in given}


def _there(who: Identity, permission: str, app: str, environment: str, described: Described) -> str:
    """The permission that is needed in that environment."""
    special = permission + PROTECTED
    if special not in PERMISSIONS:
        return permission
    if environment == ALL or app == ALL:
        return special
    if who.may(special, app, environment) and who.may(permission, app, environment):  # whatever it is
        return permission
    return in_environment(permission, *(described(app, environment) or (UNKNOWN,)))


def _refuse(who: Identity, permission: str, app: str, environment: str) -> None:
    try:
        require(who, permission, app, environment)
    except NotAllowed as error:
        if environment == ALL and PERMISSIONS[permission].reach == ENVIRONMENT and app != ALL:
            error.message += " in all environments"
            error.hint += "; or name an environment, if the command takes one"
        raise


def refuse_elsewhere(command: Commanded) -> None:
    """UsageError if it can't run at a server, as it was typed."""
    row = command.row
    if row.remote != REMOTE:
        raise UsageError(
            f"`shipway {command.path}` doesn't run at a server: {row.remote}",
            hint="run it on the machine of the server; without SHIPWAY_URL, it works on this one",
        )
    if name := next((name for name in row.here if name in command.typed), ""):
        raise UsageError(
            f"`shipway {command.path}` doesn't take {_option(name)} at a server: it means a file or a key of one machine",
            hint="leave it out, or run the command on the machine of the server",
        )


def _option(name: str) -> str:
    return OPTIONS.get(name) or f"--{name.replace('_', '-')}"


def require_app(command: Commanded) -> None:
    """UsageError if it is about an app and says none: at a server there is no folder that could."""
    row, given = command.row, command.given
    about = any(PERMISSIONS[permission].reach != SERVER for permission in row.needed(given))
    if about and row.apps and "app" in given and not any(given.get(key) for key in row.apps):
        raise UsageError("name the app", hint="--app NAME; `shipway apps` lists them")
