"""Commands that were typed elsewhere, read by the same definitions as here; nothing of them runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from click.core import ParameterSource

from shipway.actions.people.commanded import Commanded, refuse_elsewhere
from shipway.cli import Globals, cli
from shipway.domain.errors import UsageError


def typed(words: Sequence[str]) -> Commanded:
    """The command of these words. UsageError if it is none, or can't run at a server. Mistakes in its options are left to
    the command itself: it says them, and does nothing."""
    found: click.Command = cli
    ctx = click.Context(cli, info_name="shipway", resilient_parsing=True, obj=Globals("", None, False))
    path, rest = "", list(words)
    while isinstance(found, click.Group) and rest:
        name, *rest = rest
        command = found.get_command(ctx, name)
        if command is None:
            raise UsageError(
                f"there is no command {path} {name}".replace("  ", " "), hint="`shipway --help` lists them"
            )
        path, found = f"{path} {name}".strip(), command
        if not isinstance(command, click.Group):
            refuse_elsewhere(Commanded(path, {}))  # before options are read: some of them open files
        ctx = command.make_context(name, list(rest), parent=ctx, resilient_parsing=True)
        if isinstance(command, click.Group):
            rest = rest_of(ctx)
    if isinstance(found, click.Group) and not found.invoke_without_command:
        raise UsageError(f"name a command of `shipway {path}`", hint=f"`shipway {path} --help` lists them")
    if "--plan" in plain_words(words) or any(word.startswith("--plan=") for word in plain_words(words)):
        raise UsageError("a server takes no --plan: the plan is that of the app", hint="name the app: --app NAME")
    return Commanded(path, ctx.params, typed=given_in(ctx))


def given_in(ctx: click.Context) -> frozenset[str]:
    """The parameters that were typed."""
    names = (str(parameter.name) for parameter in ctx.command.params)
    return frozenset(name for name in names if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE)


def plain_words(words: Sequence[str]) -> list[str]:
    """Those that can be options."""
    found = list(words)
    return found[: found.index("--")] if "--" in found else found


def rest_of(ctx: click.Context) -> list[str]:
    """What a group leaves for its commands. Its place differs between versions of Click."""
    own: dict[str, Any] = vars(ctx)
    return [*own.get("_protected_args", own.get("protected_args", ())), *ctx.args]
