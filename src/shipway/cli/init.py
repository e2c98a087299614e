"""`shipway init`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import say, style
from shipway.cli.sizes import byte_size

if TYPE_CHECKING:
    from shipway.actions.projects.dockerfiles import DockerfilesResult
    from shipway.actions.projects.init import InitResult


@click.command()
@click.option("--force", is_flag=True, help="Replace an edited plan, or another hook; never a Dockerfile")
@click.option(
    "--compose", "files", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True, metavar="FILE",
    help="A Compose file to read, instead of those that are found; several are laid over one another, as with `docker compose -f`",
)  # fmt: skip
@click.option("--stdout", is_flag=True, help="Print the plan instead of writing it")
@click.option("--dockerfile", is_flag=True, help="Also write a Dockerfile where an application has none")
@click.option(
    "--hook", type=click.Path(path_type=Path, file_okay=False), metavar="REPOSITORY.git",
    help="Install the post-receive hook in this bare repository instead",
)  # fmt: skip
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="With --hook: the home folder that the hook uses"
)
@click.option(
    "--largest-push", metavar="SIZE", callback=byte_size, help="With --hook: what a push may have at most [2G]"
)
@click.option("--protected", metavar="BRANCH", help="With --hook: the protected branch [HEAD of the repository]")
@click.option(
    "--infra", type=click.Choice(["hetzner", "digitalocean", "aws"]),
    help="Write modules of infrastructure at this provider instead of a plan",
)  # fmt: skip
@click.pass_obj
def init(
    options: Globals,
    force: bool,
    files: tuple[Path, ...],
    stdout: bool,
    dockerfile: bool,
    hook: Path | None,
    home: Path | None,
    largest_push: int | None,
    protected: str | None,
    infra: str | None,
) -> None:
    """Generate shipway.yaml from the files of this repository."""
    from shipway.actions.projects.init import draft_plan, write_hook, write_plan

    if hook is None and home is not None:
        raise click.UsageError(
            "`init --home` requires --hook; pass --home before `init` to choose the home of this command"
        )
    if hook is None and protected is not None:
        raise click.UsageError("--protected requires --hook; without a hook: shipway rules register --protected BRANCH")
    if hook is None and largest_push is not None:
        raise click.UsageError("--largest-push requires --hook")
    if dockerfile and (stdout or hook is not None):
        raise click.UsageError(f"--dockerfile and {'--stdout' if stdout else '--hook'} can't be combined")
    if infra is not None:
        if stdout or files or dockerfile or hook is not None:
            raise click.UsageError("--infra can't be combined with other options")
        _write_infra(infra)
        return
    if hook is not None:
        from shipway.system.installation import program

        if stdout or files:
            raise click.UsageError(f"{'--stdout' if stdout else '--compose'} and --hook can't be combined")
        used = (home or options.home).expanduser().absolute()
        path = write_hook(hook.absolute(), used, program(), force=force, protected=protected, largest=largest_push)
        say(f"wrote {path}: each push to the repository runs the plan, with the home folder {used}")
        _register(options, hook.absolute(), used, protected)
        return
    result, written = draft_plan(Path.cwd(), files), tuple[str, ...]()
    if stdout:
        say(result.text.rstrip())
        return
    if dockerfile:
        from shipway.actions.projects.dockerfiles import is_untouched, write_dockerfiles

        made = write_dockerfiles(result.path.parent)
        _report_dockerfiles(made)
        written = made.files
        force = force or is_untouched(result)
        if not force:
            say(f"kept {result.path}: `shipway init --stdout` prints a plan with all Dockerfiles, --force replaces it")
            return
        result = draft_plan(Path.cwd(), files)
    write_plan(result, force=force)
    _report(result, written)


def _write_infra(provider: str) -> None:
    from shipway.actions.projects.init_infra import write_modules
    from shipway.drafting.infra import FOLDER, PROVIDERS, plan_lines

    write_modules(Path.cwd(), provider)
    say(style(f"wrote {FOLDER}/main.tf for {provider}: read it, it is yours now", "green"))
    say("Next, in this order:")
    say("  add to the environment in shipway.yaml, and merge it to the protected branch:")
    say(plan_lines(provider, Path.cwd().name))
    for name in PROVIDERS[provider].secrets:
        say(f"  shipway secret set production {name}")
    say("  shipway infra production plan")


def _register(options: Globals, repository: Path, home: Path, protected: str | None) -> None:
    from shipway.actions.projects.register import register_hook
    from shipway.app import open_context, plan_parser
    from shipway.cli.output import TerminalReporter
    from shipway.system.git import Repository

    with open_context(home, TerminalReporter(), actor=options.actor) as ctx:
        register_hook(ctx, Repository(repository), protected, plan_parser(ctx))


def _report_dockerfiles(result: DockerfilesResult) -> None:
    """Print what was written, from which facts, and what is open."""
    for item in result.written:
        say(style(f"wrote {item.name} for {item.framework}", "green"))
        for fact in item.facts:
            say(f"  {style(fact, 'dim')}")
        if item.todos:
            which = "the TODO in line" if len(item.todos) == 1 else "the TODOs in lines"
            say(f"  resolve {which} {', '.join(map(str, item.todos))} of {item.name}")
    for note in result.notes:
        say(f"{style('note:', 'yellow')} {note}")
    if not result.written and not result.notes:
        say("no Dockerfile was written: all applications have one; to get another, remove it and repeat the command")


def _report(result: InitResult, files: Sequence[str]) -> None:
    """Print the findings and the next steps. files: others that were written."""
    from shipway.actions.projects.next_steps import next_steps

    say(f"Found in {result.path.parent}:")
    width = max((len(what) for what, _ in result.found), default=0)
    for what, why in result.found:
        say(f"  {what.ljust(width)}  {style(why, 'dim')}")
    for note in result.notes:
        say(f"  {style('note:', 'yellow')} {note}")
    say(style(f"wrote {result.path}", "green"))
    for problem in result.check.problems:
        say(problem.render(style))
    say("Next, in this order:")
    for step in next_steps(result, files):
        say(f"  {step}")
