"""The files that a command writes its report to."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

from shipway.cli.output import say
from shipway.domain.errors import UsageError
from shipway.system.redact import of_process

STDOUT = Path("-")
Command = TypeVar("Command", bound=Callable[..., object])
_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--html", type=_FILE, help="Write the report as an HTML page"),
    click.option("--junit", type=_FILE, help="Write the report as JUnit XML"),
    click.option(
        "--markdown",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help="Write the report as Markdown, for a comment on a pull request; - for stdout",
    ),
    click.option("--badge", type=_FILE, help="Write the result as a small SVG picture"),
)


def report_options(command: Command) -> Command:
    """The options of a command that name the files of `ReportFiles`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class ReportFiles:
    """Paths by format; None: not requested. UsageError, before anything runs, if one can't be written."""

    def __init__(self, paths: Mapping[str, Path | None], as_json: bool) -> None:
        self._paths = {name: path for name, path in paths.items() if path is not None}
        printed = [f"--{name} -" for name, path in self._paths.items() if path == STDOUT] + ["--json"] * as_json
        if len(printed) > 1:
            raise UsageError(f"{' and '.join(printed)} both print to stdout", hint="write one to a file")
        places = [path.absolute() for path in self._paths.values() if path != STDOUT]
        if twice := [path for path in places if places.count(path) > 1]:
            raise UsageError(f"two reports would be written to {twice[0]}", hint="write each to a file of its own")
        for name, path in self._paths.items():
            if path != STDOUT and not _writable(path):
                raise UsageError(
                    f"--{name} {path} can't be written", hint="pass a file in an existing, writable folder"
                )

    @property
    def to_stdout(self) -> bool:
        """Whether a report is printed: then nothing else goes to stdout."""
        return STDOUT in self._paths.values()

    def write(self, reports: Mapping[str, Callable[[], str]]) -> None:
        """Write the requested ones, without secrets."""
        for name, path in self._paths.items():
            text = of_process().text(reports[name]())
            if path == STDOUT:
                say(text.removesuffix("\n"))
                continue
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise UsageError(f"--{name} {path} can't be written: {error.strerror}") from error


def _writable(path: Path) -> bool:
    place = path if path.exists() else path.parent
    return (path.exists() or place.is_dir()) and os.access(place, os.W_OK)
