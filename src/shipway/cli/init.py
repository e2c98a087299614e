"""`shipway init`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import say, style

if TYPE_CHECKING:
    from shipway.actions.projects.init import InitResult


@click.command()
@click.option("--force", is_flag=True, help="Replace what is there already")
@click.option("--stdout", is_flag=True, help="Print the plan, and write nothing")
@click.option(
    "--hook", type=click.Path(path_type=Path, file_okay=False), metavar="REPOSITORY.git",
    help="Write no plan, but the post-receive hook of a bare repository",
)  # fmt: skip
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="With --hook: the home that the hook uses"
)
@click.option(
    "--protected", metavar="BRANCH", help="With --hook: whose plan has the rules in force [HEAD of the repository]"
)
@click.pass_obj
def init(
    options: Globals, force: bool, stdout: bool, hook: Path | None, home: Path | None, protected: str | None
) -> None:
    """Write shipway.yaml for this repository, from what is found in it."""
    from shipway.actions.projects.init import draft_plan, write_hook, write_plan

    if hook is None and home is not None:
        raise click.UsageError("--home belongs to --hook here; before `init` it is the home of this command")
    if hook is None and protected is not None:
        raise click.UsageError(
            "--protected belongs to --hook here; elsewhere: shipway rules register --protected BRANCH"
        )
    if hook is not None:
        if stdout:
            raise click.UsageError("--stdout prints a plan: it has no meaning with --hook")
        used = (home or options.home).expanduser().absolute()
        written = write_hook(hook.absolute(), used, _executable(), force=force, protected=protected)
        say(f"wrote {written}: each push to it runs the plan, with the home {used}")
        _register(options, hook.absolute(), used, protected)
        return
    result = draft_plan(Path.cwd())
    if stdout:
        say(result.text.rstrip())
        return
    write_plan(result, force=force)
    _tell(result)


def _register(options: Globals, repository: Path, home: Path, protected: str | None) -> None:
    from shipway.actions.projects.register import register_hook
    from shipway.app import open_context, parse_plan
    from shipway.cli.output import TerminalReporter
    from shipway.system.git import Repository

    with open_context(home, TerminalReporter(), actor=options.actor) as ctx:
        register_hook(ctx, Repository(repository), protected, parse_plan)


def _tell(result: InitResult) -> None:
    """Print the findings and the next steps."""
    say(f"Found in {result.path.parent}:")
    width = max((len(what) for what, _ in result.found), default=0)
    for what, why in result.found:
        say(f"  {what.ljust(width)}  {style(why, 'dim')}")
    for note in result.notes:
        say(f"  {style('note:', 'yellow')} {note}")
    say(style(f"wrote {result.path}", "green"))
    for problem in result.check.problems:
        say(problem.render(style))
    say("Next:")
    for number, step in enumerate(_next(result), 1):
        say(f"  {number}. {step}")


def _next(result: InitResult) -> list[str]:
    steps = []
    if result.todos:
        lines = ", ".join(str(number) for number in result.todos)
        steps.append(f"answer the TODOs in lines {lines} of {result.path.name}")
    steps.append("shipway check" + ("" if result.check.valid else " (the plan is not valid yet, see above)"))
    steps += [f"shipway secret set staging {name} (and for production)" for name in result.secrets]
    return [
        *steps,
        f"git add {result.path.name} && git commit",
        "shipway init --hook REPOSITORY.git, where pushes to a bare repository of yours shall deploy",
        "push it to the branch staging; without a hook: shipway run staging",
    ]


def _executable() -> Path:
    """Path of this program, callable by a hook from anywhere."""
    own = Path(sys.argv[0])
    if own.name == "shipway" and own.is_file():
        return own.absolute()
    beside = Path(sys.executable).with_name("shipway")
    found = beside if beside.is_file() else Path(shutil.which("shipway") or "")
    if not found.is_absolute():
        raise click.UsageError("the hook needs the installed `shipway` command, and it isn't on PATH")
    return found
