"""The audit's record of a command of this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.domain.audit import COMMAND, REQUEST, Acting, Fact
from shipway.domain.errors import ShipwayError
from shipway.domain.people import Identity
from shipway.system.acting import REQUEST as VARIABLE
from shipway.system.acting import acting_in_process
from shipway.system.actor import Claim
from shipway.system.login import login

if TYPE_CHECKING:
    from shipway.actions.people.commanded import Commanded

READER = "reader"  # the actor of commands that only read
CARETAKER = "standby"  # that of actions.environment.locks, which takes long to import
PARTS = frozenset({READER, CARETAKER, "server"})  # that act for themselves
# Options with any text, which is recorded with what it is about, and an address that is a secret.
FREE = frozenset({"reason", "confirm", "url"})
# Commands that cron starts every minute: what they start is recorded by itself.
BY_THEMSELVES = frozenset({"tick"})


@contextmanager
def recorded_command(ledger: Any, home: Path, actor: str, proven: Identity | None = None) -> Iterator[None]:
    """Record the command that runs in this process, before it begins, and how it ended; nothing of one that only reads or tidies
    up now and then, but who acts is known then too."""
    found = None if actor in (READER, CARETAKER) else _command(home, ledger)
    who = Acting(actor, _proof(ledger, proven), login())
    if found is None:
        with acting_in_process(who):
            yield
        return
    from shipway.actions.audit.recorded import recorded

    with recorded(ledger, who, found, acting_in_process):
        yield


def commanded(home: Path) -> Commanded | None:
    """The command that runs in this process; None: there is none."""
    from shipway.actions.people.commanded import Commanded

    ctx, path = _invoked()
    return Commanded(path, ctx.params, lambda: _app_here(home, ctx)) if path else None


def root() -> Any:
    """The global options of the command; None: this process runs none."""
    ctx, _ = _invoked()
    return None if ctx is None else ctx.find_root().obj


def claim() -> Claim | None:
    """What the command line says about who acts, whatever the command does with it."""
    found = getattr(root(), "actor", None)
    return found if isinstance(found, Claim) else None


def _invoked() -> tuple[Any, str]:
    """The context of the command, and its names below `shipway`; empty: this process runs none."""
    import click

    ctx = click.get_current_context(silent=True)
    path, place = "", ctx
    while place is not None and place.parent is not None:
        path, place = f"{place.info_name} {path}".rstrip(), place.parent
    return ctx, path


def _command(home: Path, ledger: Any) -> Fact | None:
    """What the command line says. None: this process runs no command, one that only shows what it would do, or one whose
    actions are recorded by themselves."""
    ctx, path = _invoked()
    if not path or path in BY_THEMSELVES or ctx.params.get("dry_run"):
        return None
    words = [path, *(word for parameter in ctx.command.params for word in _words(ctx, parameter))]
    app, environment = ctx.params.get("app") or _app_here(home, ctx), ctx.params.get("environment") or ""
    names = _names(ledger)
    app = names.app(app) if app not in ("", "*") else ""
    environment = names.environment(app, environment) if environment != "*" else ""
    return Fact(COMMAND, " ".join(words), app, environment)


def _names(ledger: Any) -> Any:
    """The names of renamed apps and environments."""
    from shipway.domain.renaming import Names

    return Names(ledger.renamings())


def _words(ctx: Any, parameter: Any) -> Iterator[str]:
    """A parameter as it could be typed: without free text, and without what goes on to another program."""
    value = ctx.params.get(parameter.name)
    if value in (None, False, ()) or value == parameter.get_default(ctx) or parameter.name in FREE:
        return
    if parameter.param_type_name == "argument":
        name, equals, _ = str(value).partition("=")  # no name has one: a value was typed where it doesn't belong
        yield "…" if parameter.nargs == -1 else f"{name}=…" if equals else name
    elif value is True:
        yield parameter.opts[0]
    else:
        yield from (f"{parameter.opts[0]}={item}" for item in (value if isinstance(value, tuple) else (value,)))


def _app_here(home: Path, ctx: Any) -> str:
    """The app of this folder, if there is one."""
    from shipway.planfile import find, load_cached

    if not any(parameter.name == "app" for parameter in ctx.command.params):
        return ""
    with suppress(ShipwayError, OSError):
        given = getattr(ctx.find_root().obj, "plan", None)
        return load_cached(given or find(Path.cwd()), home / "cache").app
    return ""


def _proof(ledger: Any, proven: Identity | None) -> str:
    """How the actor is known: by a request that the server has recorded of the same person, by a token, or only as claimed."""
    if proven is None:
        return "claimed"
    number = os.environ.get(VARIABLE, "")
    if number.isascii() and number.isdecimal() and len(number) < 19:
        entry = ledger.audit_entry(int(number))
        if entry is not None and (entry.kind, entry.actor) == (REQUEST, proven.person):
            return f"request {number}"
    return f"{proven.via} {proven.number}"
