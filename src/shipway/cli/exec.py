"""`shipway exec`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter


class PassesOn(click.Command):
    """Explains `--`, which separates its own options from those that it passes on."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """UsageError for an unknown option."""
        given = tuple(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if "--" in given:
                raise
            usage = " ".join([f"shipway {self.name}", *self.collect_usage_pieces(ctx)])
            message = f"there is no option {error.option_name}; what is passed on follows `--`: {usage}"
            raise click.UsageError(message, ctx) from error


@click.command(cls=PassesOn)
@click.argument("environment")
@click.argument("service")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("--into", is_flag=True, help="In a running container [in a new one, which is removed afterwards]")
@app_option
@click.pass_obj
def exec(
    options: Globals, environment: str, service: str, command: tuple[str, ...], into: bool, app: str | None
) -> None:
    """Run COMMAND in ENVIRONMENT with the image, variables, secrets and networks of SERVICE in the release that runs there. The exit code is the command's.

    It runs interactively if input and output are a terminal. Who ran which command is recorded: `shipway history --commands`.
    """
    from shipway.actions.operations.command import Person, execute
    from shipway.app import open_context
    from shipway.system.terminal import OwnTerminal

    with open_context(options.home, TerminalReporter(quiet=options.quiet, silent=True), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        code = execute(ctx, plan.app, where.name, service, command, Person(OwnTerminal()), into=into)
    raise SystemExit(code)
