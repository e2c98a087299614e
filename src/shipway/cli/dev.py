"""`shipway dev`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipway.cli import Globals, _set_plan
from shipway.cli.exec import PassesOn
from shipway.cli.output import TerminalReporter, coloured, say, secret_line, style, table, write_masked

if TYPE_CHECKING:
    from shipway.actions.development.session import Session, Show
    from shipway.context import Context
    from shipway.domain.plan import Plan

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")
DEFAULT = "up"


class DevGroup(click.Group):
    """`shipway dev` is `shipway dev up`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the default command, unless another one or help is asked for."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


def plan_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--plan, which sets `Globals.plan`: these commands are for a checkout, so that there is no --app."""
    return click.option(
        "--plan", metavar="PATH", expose_value=False, is_eager=True, callback=_set_plan,
        help="The plan file, where a repository has several",
    )(command)  # fmt: skip


@click.group(cls=DevGroup)
def dev() -> None:
    """Run the app of this folder from its working tree, with live reload. `shipway dev` is short for `shipway dev up`.

    It is separate from all environments: it has its own database, secrets and names.
    """


@dev.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the local name [as before, else 8090]")
@click.option(
    "--https/--http", "secure", default=None, help="With a certificate of the local CA [as before, else --http]"
)
@plan_option
@click.pass_obj
def up(options: Globals, services: tuple[str, ...], port: int | None, secure: bool | None) -> None:
    """Start the accessories, migrate, seed, and start all services, or only SERVICEs; then follow the files. Ctrl-C stops the
    services; accessories and data stay."""
    from shipway.actions.development.up import up as run
    from shipway.planfile import load

    with _session(options, port=port, secure=secure, only=services) as (session, path):
        run(session, printed(), load=lambda: load(path))


@dev.command()
@plan_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def status(options: Globals, as_json: bool) -> None:
    """Show what runs of this checkout, and where."""
    import json

    from shipway.actions.development.others import status as find
    from shipway.domain.record import to_data

    with _session(options, silent=True) as (session, _):
        found = find(session.ctx, session.checkout, session.plan)
    if as_json:
        say(json.dumps(to_data(found), indent=2))
        return
    who = f"process {found.process}" if found.process else "not running"
    say(f"{found.app}  {found.url}  {who}")
    table(
        [[item.name, item.kind, item.state, item.container] for item in found.parts],
        ["name", "kind", "state", "container"],
    )


@dev.command()
@click.option("--volumes", is_flag=True, help="Also remove the data and the generated secrets")
@plan_option
@click.pass_obj
def down(options: Globals, volumes: bool) -> None:
    """Stop everything of this checkout and remove it; its data stays without --volumes."""
    from shipway.actions.development.others import down as remove

    with _session(options) as (session, _):
        removed = remove(session.ctx, session.checkout, volumes=volumes)
    for name in removed:
        say(f"{style('removed', 'dim')} {name}")
    say(
        "nothing of this checkout was there"
        if not removed
        else "its data stays"
        if not volumes
        else "all of it is gone"
    )


@dev.command()
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@click.option("-f", "--follow", is_flag=True, help="Print new lines as they are written, until Ctrl-C")
@click.option("-n", "--lines", "last", default=100, show_default=True, help="The last lines of each")
@plan_option
@click.pass_obj
def logs(options: Globals, names: tuple[str, ...], follow: bool, last: int) -> None:
    """Print what the services of this checkout have written. Name accessories, such as db, to see theirs."""
    from shipway.actions.development.others import logs as read

    with _session(options, silent=True) as (session, _):
        try:
            read(session.ctx, session.checkout, session.plan, names, printed(), follow=follow, last=last)
        except KeyboardInterrupt:
            if not follow:
                raise
            raise SystemExit(130) from None


@dev.command(cls=PassesOn)
@click.argument("service")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@plan_option
@click.pass_obj
def shell(options: Globals, service: str, command: tuple[str, ...]) -> None:
    """Open a shell in the running container of SERVICE, or run COMMAND there; if none runs, in a new one that is removed. The exit code is the command's."""
    from shipway.actions.development.others import shell as open_shell
    from shipway.system.terminal import OwnTerminal

    with _session(options, silent=True) as (session, _):
        code = open_shell(session, service, command, OwnTerminal())
    raise SystemExit(code)


@dev.command(cls=PassesOn)
@click.argument("accessory", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENTS...]")
@plan_option
@click.pass_obj
def db(options: Globals, accessory: str | None, arguments: tuple[str, ...]) -> None:
    """Open the development database, or another ACCESSORY, with the client of its image. The exit code is the client's."""
    from shipway.actions.development.others import client
    from shipway.system.terminal import OwnTerminal

    if accessory and accessory.startswith("-"):  # what follows `--` where no accessory is named
        arguments, accessory = (accessory, *arguments), None
    with _session(options, silent=True) as (session, _):
        code = client(session, accessory, arguments, OwnTerminal())
    raise SystemExit(code)


@dev.command(cls=PassesOn)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENTS...]")
@plan_option
@click.pass_obj
def test(options: Globals, arguments: tuple[str, ...]) -> None:
    """Run the step of the pipeline with the app's tests (test, tests, unit, or the first with reports) on the working tree, with ARGUMENTS for its command."""
    from shipway.actions.development.steps import run_tests

    with _session(options) as (session, _):
        run_tests(session, arguments)


@dev.command()
@click.argument("step")
@plan_option
@click.pass_obj
def run(options: Globals, step: str) -> None:
    """Run STEP of the pipeline, and those that it needs, on the working tree as in a run of a commit."""
    from shipway.actions.development.steps import run_step

    with _session(options) as (session, _):
        run_step(session, step)


@dev.command()
@plan_option
@click.pass_obj
def reset(options: Globals) -> None:
    """Recreate the development database, migrate and seed. Its data is lost."""
    from shipway.actions.development.others import reset as recreate

    with _session(options) as (session, _):
        recreate(session)
    say("the database is new, migrated and seeded")


@dev.command()
@plan_option
@click.pass_obj
def secrets(options: Globals) -> None:
    """Print the development values of secrets, such as the password of a seeded user. Only this checkout has them."""
    from shipway.actions.development.variables import secret_values

    with _session(options, silent=True) as (session, _):
        session.prepare()
        for name, value in secret_values(session.ctx, session.own).items():
            secret_line(f"{name}={value}")


@dev.command("local-ca")
@plan_option
@click.pass_obj
def local_ca(options: Globals) -> None:
    """Print the certificate of the local CA, to import it into a browser: addresses with --https get their certificates from it."""
    from shipway.domain.errors import EdgeError

    with _session(options, silent=True) as (session, _):
        found = session.ctx.edge.authority()
    if found is None:
        raise EdgeError("there is no local CA yet", hint="it is made by the first `shipway dev up --https`")
    say(found.strip())


@contextmanager
def _session(
    options: Globals,
    *,
    port: int | None = None,
    secure: bool | None = None,
    only: tuple[str, ...] = (),
    silent: bool = False,
) -> Iterator[tuple[Session, Path]]:
    """The checkout that the working directory is in, and the path of its plan."""
    from shipway.actions.development.checkouts import enter
    from shipway.actions.development.session import Session
    from shipway.app import load_plan, open_development
    from shipway.planfile import find, place_of
    from shipway.system.git import Repository

    path = (options.plan or find(Path.cwd())).absolute()
    plan: Plan = load_plan(options.home, path)
    repository = Repository.find(path.parent)
    folder, state = enter(options.home, plan.app, repository.path.resolve(), place_of(path), port, secure)
    reporter = TerminalReporter(quiet=options.quiet, silent=silent)
    ctx: Context
    with open_development(folder, reporter, actor=options.actor) as ctx:
        yield Session(ctx, state, plan, repository, only), path


def printed() -> Show:
    """Prints lines of services, each in a colour of its own."""
    prefixes: dict[str, str] = {}
    lock = threading.Lock()
    width = 8

    def show(name: str, line: str) -> None:
        nonlocal width
        with lock:
            if name not in prefixes:
                width = max(width, len(name))
                prefixes[name] = coloured(f"{name.ljust(width)} │ ", COLOURS[len(prefixes) % len(COLOURS)])
            write_masked([f"{prefixes[name]}{line}"])

    return show
