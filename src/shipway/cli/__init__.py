"""The command line: groups and global options, and the only place that turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from shipway import __version__
from shipway.cli.sections import COMMANDS, FORMER, READING, SECTIONS
from shipway.domain.errors import DiskFull, Interrupted, ShipwayError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from click.shell_completion import CompletionItem

    from shipway.actions.environment.environments import KnownApp
    from shipway.context import Context
    from shipway.domain.plan import Plan
    from shipway.domain.release import Commit
    from shipway.system.git import Repository

# Thresholds of the garbage collector: what a command imports and reads is no garbage, and searching it takes 5 % of the time.
COLLECTIONS = (20_000, 20, 20)


class Globals:
    """The global options. A plain class, since importing dataclasses would take a third of the time of `--help`."""

    def __init__(self, home: str, actor: str | None, quiet: bool, *, home_typed: bool = False) -> None:
        self.actor = actor
        self.home_typed = home_typed
        self.quiet = quiet
        self.plan: Path | None = None  # --plan of the command
        self._home = home

    @property
    def home(self) -> Path:
        """Folder of the ledger, logs and secrets, as an absolute path."""
        from pathlib import Path

        return Path(self._home).expanduser().absolute()

    def known_app(self, ctx: Context, name: str | None) -> KnownApp:
        """The app of that name (see `app_option`), UsageError if it is unknown; None: the app of this folder, PlanError if
        it has none."""
        from shipway.actions.environment.environments import known_app
        from shipway.app import project_source

        found = known_app(ctx, project_source(self.home, ctx, name, self.plan))
        return found if name is None else found.require()

    def plan_file(self, ctx: Context, repository: Repository, app: str | None) -> str | None:
        """The path of the plan in the repository: --plan; that of the registered app; or of this folder, or a folder
        above. None: the only one of the commit."""
        from shipway.domain.plan import PLAN_FILE
        from shipway.system.git import Repository

        if self.plan is not None:
            return repository.path_of(self.plan)
        if app is not None:
            found = ctx.ledger.registration(ctx.names.app(app))
            return found.plan if found else None
        folder, root = Repository.folder(), repository.path.resolve()
        while not repository.is_bare and folder.is_relative_to(root):
            if (folder / PLAN_FILE).is_file():
                return (folder / PLAN_FILE).relative_to(root).as_posix()
            folder = folder.parent
        return None

    def project(self, ctx: Context, app: str | None, revision: str | None) -> tuple[Context, Repository, str]:
        """The context, the repository with the app's commits, and the revision [HEAD of a checkout]. UsageError without a
        revision where there is no checkout."""
        from shipway.domain.errors import RepositoryError, UsageError

        if app is None:
            try:
                return ctx, ctx.repository(), revision or "HEAD"
            except RepositoryError as error:
                if apps := ctx.ledger.apps():
                    error.hint = (
                        f"{error.hint}; or pass --app NAME: the ledger knows {', '.join(map(ctx.names.shown, apps))}"
                    )
                raise
        known = self.known_app(ctx, app)
        if revision is None and known.plan is None:
            raise UsageError(
                "name a revision: there is no checkout here whose HEAD could be meant",
                hint="a branch, a tag, a commit, or a release such as r12",
            )
        return known.ctx, known.ctx.repository(), revision or "HEAD"

    def chosen(
        self, ctx: Context, app: str | None, revision: str | None
    ) -> tuple[Context, Repository, str, Commit, Plan]:
        """As `project`, with the commit of a revision or a release such as r12, and its plan."""
        from shipway.actions.environment.find_release import app_of, revision_of
        from shipway.actions.projects.plans import of_plan, plan_at
        from shipway.app import plan_parser

        ctx, repository, revision = self.project(ctx, app, revision)
        file = self.plan_file(ctx, repository, app)
        commit = repository.commit(revision_of(ctx, repository, revision, app_of(ctx, repository, file)))
        plan = plan_at(repository, commit, plan_parser(ctx), file)
        self.require_app(ctx, app, plan, revision)
        return ctx, repository, revision, of_plan(repository, commit, plan), plan

    def require_app(self, ctx: Context, app: str | None, plan: Plan, revision: str) -> None:
        """UsageError if a commit's plan is that of another app than --app."""
        from shipway.domain.errors import UsageError

        if app is not None and plan.app != ctx.names.app(app):
            raise UsageError(f"the plan of {revision} has `app: {plan.app}`, not {app}")


# All commands work from anywhere on a machine that has the ledger.
def app_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --app, which is an argument of the command, and --plan, which sets `Globals.plan`."""
    plan = click.option(
        "--plan", metavar="PATH", expose_value=False, is_eager=True, callback=_set_plan,
        help="The plan file, where a repository has several",
    )  # fmt: skip
    app = click.option("--app", metavar="NAME", help="The app, from any folder [the one of this folder]")
    return app(plan(command))


def _set_plan(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        from pathlib import Path

        path = Path(value)
        ctx.find_root().obj.plan = path / "shipway.yaml" if path.is_dir() else path


class ClosedPipe(Exception):
    """The reader of the output disconnected. Click would exit silently with code 1."""


class LazyGroup(click.Group):
    """Imports a command only when it is called."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and write all its output."""
        try:
            result: object = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise ClosedPipe from error
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_"))
        if not ctx.resilient_parsing and server():
            from shipway.cli.remote import elsewhere

            return elsewhere(cmd_name, command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names from the table, without importing any command."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Accept former names, and suggest the most similar command for an unknown one."""
        if args and args[0] in FORMER:
            if not ctx.resilient_parsing:
                from shipway.cli.output import note_renamed

                note_renamed(f"`shipway {args[0]}`", f"`shipway {FORMER[args[0]]}`")
            args = [FORMER[args[0]], *args[1:]]
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"there is no command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands from the table, without importing any."""
        width = max(map(len, COMMANDS))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in section.items()])


def default_home() -> str:
    """Folder of the ledger, logs and secrets: SHIPWAY_HOME, else the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.join("~", ".local", "share")
    return os.environ.get("SHIPWAY_HOME") or os.path.join(data, "shipway")


def server() -> str:
    """The address of the server at which commands run; empty: they run here, as in a service or a step, whose SHIPWAY_URL is the
    address of the app."""
    return "" if "SHIPWAY_ENVIRONMENT" in os.environ else os.environ.get("SHIPWAY_URL", "")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shipway")
@click.option("--home", metavar="FOLDER", help="Folder of the ledger, logs and secrets [SHIPWAY_HOME]")
@click.option("--as", "actor", metavar="EMAIL", help="Act as this person [git's user.email]")
@click.option("--token-file", metavar="FILE", help="Prove by the token in this file who acts [SHIPWAY_TOKEN]")
@click.option("--quiet", is_flag=True, help="Omit the output of steps and tools")
@click.option("--debug", is_flag=True, help="Print a traceback on errors")
@click.pass_context
def cli(
    ctx: click.Context, home: str | None, actor: str | None, token_file: str | None, quiet: bool, debug: bool
) -> None:
    """Shipway runs a web team's deployment plan: from a commit to production and back."""
    ctx.obj = Globals(home or default_home(), _claim(actor, token_file), quiet, home_typed=home is not None)


def _claim(actor: str | None, token_file: str | None) -> str | None:
    """What the command line says about who acts. UsageError if the file can't be read."""
    if actor is None and token_file is None:
        return None
    from pathlib import Path

    from shipway.system.actor import Claim

    if token_file is None:
        return Claim(actor)
    try:
        with Path(token_file).open(encoding="ascii") as file:
            return Claim(actor, file.read(1000).strip())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"--token-file {token_file} can't be read: {why}") from error


def main() -> None:
    """Entry point: error messages, an exit code per class, a traceback only with --debug."""
    from shipway.cli.output import guard_streams
    from shipway.system.umask import keep_private

    gc.set_threshold(*COLLECTIONS)
    guard_streams()
    keep_private()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        _fail(Interrupted("interrupted; unfinished work was rolled back"))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except ShipwayError as error:
        _fail(error)
    except KeyboardInterrupt:
        _fail(Interrupted("interrupted; unfinished work was rolled back"))
    except (ClosedPipe, BrokenPipeError):
        _output_lost()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f": {error.filename}" if error.filename else ""
        _fail(
            DiskFull(
                f"no space left on this machine's disk{where}",
                hint="`shipway prune` removes outputs and logs of old runs",
            )
        )


def _output_lost(code: int = 141) -> None:
    """Handle a closed output. The command is finished; its outcome is in the ledger."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    said = (
        b"shipway: the output could not be written, since its reader disconnected; `shipway history` shows the result\n"
    )
    try:
        os.write(sys.stderr.fileno(), b"" if _command() in READING else said)
    except OSError:
        os.dup2(nothing, sys.stderr.fileno())
    sys.exit(code)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _command() -> str:
    """The name of the command in the arguments; empty without one."""
    return next((word for word in sys.argv[1:] if word in COMMANDS), "")


def _fail(error: ShipwayError) -> None:
    from itertools import takewhile

    if "--debug" in takewhile(lambda word: word not in COMMANDS, sys.argv[1:]):  # of `run`, it means something else
        import traceback

        from shipway.cli.output import say

        say(
            "".join(traceback.format_exception(error)).rstrip("\n"), err=True
        )  # masked as a whole: values may span lines
    try:
        _print_error(error)
        sys.stdout.flush()
    except BrokenPipeError:
        _output_lost(error.exit_code)
    sys.exit(error.exit_code)


def _message_of(cause: BaseException) -> str:
    """A readable message: the missing key of a KeyError explains nothing."""
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror + (f": {cause.filename}" if cause.filename else "")
    return "" if isinstance(cause, LookupError | TypeError | AttributeError) else str(cause)


def _print_error(error: ShipwayError) -> None:
    from shipway.cli.output import say, style

    say(f"{style('error:', 'red')} {error.message}", err=True)
    cause, seen = error.__cause__, {id(error)}
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        text = " ".join(_message_of(cause).split())
        if text and text not in " ".join(error.message.split()):
            say(f"  because: {text}", err=True)
        cause = cause.__cause__
    if error.hint:
        say(f"{style('hint:', 'yellow')} {error.hint}", err=True)
