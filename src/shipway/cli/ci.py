"""`shipway ci`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import say, style

if TYPE_CHECKING:
    from shipway.actions.projects.ci import CiFile, CiResult
    from shipway.drafting.ci import Platform

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("platform", type=click.Choice(["github", "gitlab", "jenkins", "woodpecker"]))
@click.option("--check", is_flag=True, help="Write nothing: exit code 16 and a diff if the file isn't up to date")
@click.option("--stdout", is_flag=True, help="Print the file instead of writing it")
@click.option("--force", is_flag=True, help="Replace a file that was edited, or that Shipway did not write")
@click.option(
    "--runner", metavar="LABEL", default="", help="The machines that run it; several labels with commas [usual ones]"
)
@click.option(
    "--install", metavar="PACKAGE", default="", help="What pip installs there, such as git+ADDRESS@COMMIT [this commit]"
)
@click.pass_obj
def ci(options: Globals, platform: str, check: bool, stdout: bool, force: bool, runner: str, install: str) -> None:
    """Write the file that runs the plans of this repository in another CI: pushes deploy, pull requests are only checked.

    The file remembers --runner and --install."""
    from shipway.actions.projects.ci import CiOptions, draft_ci, plans_of, root_of, write_ci
    from shipway.app import load_plan
    from shipway.domain.errors import DriftFound
    from shipway.drafting.ci import PLATFORMS

    if check + stdout + force > 1:
        raise click.UsageError("--check, --stdout and --force can't be combined")
    chosen, root = PLATFORMS[platform], root_of(Path.cwd())
    plans = [load_plan(options.home, path) for path in plans_of(root)]
    result = draft_ci(root, chosen, plans, CiOptions(install, runner))
    if stdout:
        files = [file for file in result.files if file.text]
        say("\n".join(f"{_path(chosen, file, files)}{file.text.rstrip()}" for file in files))
        return
    if check:
        if not result.is_current:
            _report_check(result)
            raise DriftFound(
                f"the files for {platform} are not up to date: {', '.join(file.path for file in result.files if file.diff)}",
                hint=f"shipway ci {platform}, then commit what it writes",
            )
        say(style(f"{', '.join(file.path for file in result.files)}: up to date", "green"))
        return
    written, removed = write_ci(result, force=force)
    _report(result, chosen, written, removed)


def _path(platform: Platform, file: CiFile, files: Sequence[CiFile]) -> str:
    """A line before each of several files."""
    return f"{platform.comment} {file.path}\n" if len(files) > 1 else ""


def _report_check(result: CiResult) -> None:
    from shipway.actions.projects.ci import EDITED, FOREIGN

    words = {EDITED: "was edited since Shipway wrote it", FOREIGN: "was not written by Shipway"}
    for file in result.files:
        for line in file.diff.splitlines():
            say(style(line, COLOURS[line[0]]) if line[:1] in COLOURS else line)
        if file.state in words:
            say(f"{style('note:', 'yellow')} {file.path} {words[file.state]}")


def _report(result: CiResult, platform: Platform, written: Sequence[str], removed: Sequence[str]) -> None:
    from shipway.actions.projects.ci import secret_lines

    for path in written:
        say(style(f"wrote {path}", "green"))
    for path in removed:
        say(f"removed {path}: its environment is in no plan any more")
    if not written and not removed:
        say(f"{', '.join(file.path for file in result.files)}: up to date")
    say(f"It installs {result.pipeline.package}; another one: --install PACKAGE")
    secrets = secret_lines(platform, result.pipeline)
    if secrets:
        say(f"Secrets to set, in {platform.where}:")
        width = max(map(len, secrets))
        for name, why in secrets.items():
            say(f"  {name.ljust(width)}  {style(why, 'dim')}")
    for note in result.pipeline.notes:
        say(f"{style('note:', 'yellow')} {note}")
    if result.included:
        say(f"Add to {result.included}:")
        say(f"  include:\n    - local: /{result.files[0].path}")
