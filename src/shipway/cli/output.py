"""The only place that prints."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence

import click

MARKS = {"succeeded": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("·", "bright_black"), "cancelled": ("✗", "yellow")}
COLOURS = {"dim": "bright_black"}


def say(text: str = "", *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr."""
    click.echo(text, err=err, color=_colour(err))


def style(text: str, how: str) -> str:
    """Text in a colour (red, green, yellow, dim) or bold; `say` takes it away where the reader can't see colours."""
    return click.style(text, bold=True) if how == "bold" else click.style(text, fg=COLOURS.get(how, how))


def table(rows: Sequence[Sequence[str]], heading: Sequence[str]) -> None:
    """Print rows in columns as wide as their content."""
    if not rows:
        return
    widths = [max(len(click.unstyle(row[index])) for row in [heading, *rows]) for index in range(len(heading))]
    say(style("  ".join(cell.ljust(width) for cell, width in zip(heading, widths, strict=True)).rstrip(), "dim"))
    for row in rows:
        cells = (cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


class TerminalReporter:
    """Progress as lines, so that it reads the same in a terminal, in a push and in a log."""

    def __init__(self, *, quiet: bool = False, silent: bool = False) -> None:
        self._lock = threading.Lock()
        self._quiet = quiet or silent  # leave out the output of commands
        self._silent = silent  # nothing to stdout, which is for programs
        self._width = 12

    def heading(self, text: str) -> None:
        """A new stage."""
        self._print(f"\n{style('▌', 'green')} {style(text, 'bold')}")

    def begin(self, name: str, detail: str = "") -> None:
        """A part begins."""
        self._print(f"{style('▸', 'yellow')} {self._name(name)} {style(_short(detail), 'dim')}")

    def line(self, name: str, text: str) -> None:
        """Output of a part."""
        if not self._quiet:
            self._print(f"  {style(self._name(name) + ' │', 'dim')} {text}")

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        """A part has ended."""
        from shipway.system.durations import human

        mark, colour = MARKS.get(outcome, ("·", "bright_black"))
        took = "" if seconds is None else f" {human(seconds)}"
        word = "" if outcome == "succeeded" else f" {outcome}"
        self._print(f"{click.style(mark, fg=colour)} {self._name(name)}{word}{took} {style(detail, 'dim')}".rstrip())

    def note(self, text: str) -> None:
        """A sentence."""
        self._print(text)

    def _name(self, name: str) -> str:
        self._width = max(self._width, len(name))
        return name.ljust(self._width)

    def _print(self, text: str) -> None:
        with self._lock:
            say(text, err=self._silent)
            sys.stdout.flush()


def _short(text: str, limit: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _colour(err: bool) -> bool | None:
    """None lets click decide by the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None
