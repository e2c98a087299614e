"""SHIPWAY_URL: commands run at a server, with what they print and their exit codes as if they ran here."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipway.actions.people.commanded import Commanded, refuse_elsewhere
from shipway.cli.typed import given_in, plain_words
from shipway.domain.command_table import COMMANDS, LOCAL, LONGEST_STDIN
from shipway.domain.errors import PlanError, UsageError

if TYPE_CHECKING:
    from shipway.cli import Globals

VARIABLE = "SHIPWAY_URL"


def elsewhere(path: str, command: click.Command) -> click.Command:
    """The same command, but run at the server; groups, with their commands so. The original stays as it is."""
    row = COMMANDS.get(path)
    if row is not None and row.remote == LOCAL:
        return command
    found: Any = copy.copy(command)
    words: list[str] = []

    def parse_args(ctx: click.Context, args: list[str]) -> list[str]:
        words[:] = args
        return command.parse_args(ctx, args)

    def invoke(ctx: click.Context) -> object:
        if isinstance(command, click.Group) and (ctx.args or ctx.invoked_subcommand or _leaves(ctx)):
            return type(command).invoke(found, ctx)
        raise SystemExit(send(ctx, path, words))

    found.parse_args, found.invoke = parse_args, invoke
    if isinstance(command, click.Group):

        def get_command(ctx: click.Context, name: str) -> click.Command | None:
            inner = command.get_command(ctx, name)
            return None if inner is None else elsewhere(f"{path} {name}", inner)

        found.get_command = get_command
    made: click.Command = found
    return made


def _leaves(ctx: click.Context) -> bool:
    from shipway.cli.typed import rest_of

    return bool(rest_of(ctx))


def send(ctx: click.Context, path: str, args: list[str]) -> int:
    """Run it at the server, and return its exit code."""
    from shipway.cli import server
    from shipway.cli.remote_client import Request, run

    options: Globals = ctx.find_root().obj
    command = Commanded(path, ctx.params, typed=given_in(ctx))
    refuse_elsewhere(command)
    if options.home_typed:
        raise UsageError(f"--home is a folder of this machine, and {VARIABLE} names a server", hint=f"unset {VARIABLE}")
    words = [*path.split(), *_app(ctx, options), *_without_plan(args)]
    claim = options.actor
    token = (getattr(claim, "token", "") or os.environ.get("SHIPWAY_TOKEN", "")).strip()
    if not token:
        raise UsageError(
            f"{VARIABLE} names a server, which needs a token", hint="set SHIPWAY_TOKEN, or pass --token-file FILE"
        )
    colour = bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and sys.stderr.isatty())
    request = Request(
        words, _stdin(command), str(getattr(claim, "name", None) or ""), options.quiet,
        colour and not os.environ.get("NO_COLOR"),
    )  # fmt: skip
    return run(server(), token, request, changes=command.row.changes(command.given))


def _app(ctx: click.Context, options: Globals) -> list[str]:
    """`--app NAME`, where the folder's plan says the name: nothing else of it counts."""
    takes_plan = any("--plan" in parameter.opts for parameter in ctx.command.params)
    if not takes_plan or any(ctx.params.get(name) for name in COMMANDS[_path(ctx)].apps):
        return []
    from shipway.planfile import find

    try:
        return ["--app", _app_of(options.plan or find(Path.cwd()))]
    except PlanError as error:
        error.hint = "; ".join(
            filter(None, (error.hint, "or pass --app NAME: `shipway apps` lists those of the server"))
        )
        raise


def _app_of(file: Path) -> str:
    """The name in a plan, which need not be valid for this version otherwise."""
    import yaml  # type: ignore[import-untyped]

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlanError(f"{file} can't be read: {str(error).partition(chr(10))[0]}") from error
    name = found.get("app") if isinstance(found, dict) else None
    if not isinstance(name, str):
        raise PlanError(f"{file} has no `app`")
    return name


def _path(ctx: click.Context) -> str:
    path, place = "", ctx
    while place.parent is not None:
        path, place = f"{place.info_name} {path}".rstrip(), place.parent
    return path


def _without_plan(args: list[str]) -> list[str]:
    """--plan has said which app is meant."""
    options, kept = plain_words(args), list[str]()
    rest = args[len(options) :]
    while options:
        word = options.pop(0)
        if word == "--plan":
            options[:1] = []
        elif not word.startswith("--plan="):
            kept.append(word)
    return [*kept, *rest]


def _stdin(command: Commanded) -> bytes:
    """What the command reads: from stdin, to its end, or asked for at the terminal."""
    row = command.row
    if not row.reads_stdin(command.given):
        return b""
    if not sys.stdin.isatty():
        found = sys.stdin.buffer.read(LONGEST_STDIN)
        if len(found) == LONGEST_STDIN and command.path != "secret set":
            raise UsageError("stdin has more than 4 MB, which is not passed on to a server")
        return found
    if row.prompts == LOCAL and not command.given.get("arguments"):
        raise UsageError(
            f"`shipway {command.path}` is interactive, and the server's terminal is not here",
            hint="pass what it is to do on stdin, or run it on the machine of the server",
        )
    if not row.prompts or row.prompts == LOCAL:
        return b""
    ask: Callable[..., str] = click.prompt
    text = ask(row.prompts.format(**command.given), hide_input=True, default="", show_default=False, err=True)
    return text.encode()
