"""The only place that prints."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Any, TextIO, cast

import click

from shipway.system.plain import plain
from shipway.system.redact import of_process

MARKS = {
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "skipped": ("·", "bright_black"),
    "cancelled": ("✗", "yellow"),
}
# For terminals with a small character set: other missing characters become question marks.
PLAIN = str.maketrans(
    {"✓": "+", "✗": "x", "·": "-", "▸": ">", "▌": "|", "│": "|", "●": "*", "○": "o", "→": "->", "…": "..."}
)
WIDEST, NARROWEST = 40, 16  # characters of a column that may be cut
CODES = {
    "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "bright_black": 90, "dim": 90, "bold": 1,
}  # fmt: skip
# Markers of colours that no other text contains: the number differs in each process.
_OWN = f"{os.urandom(4).hex()}:"
_STYLED = re.compile(f"⟦{_OWN}([0-9]+)⟧")


def say(text: str = "", *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr: without secrets, and without control characters but our own colours."""
    shown = of_process().text(text)
    click.echo(_STYLED.sub(lambda found: f"\x1b[{found[1]}m", shown), err=err, color=_colour(err))


def note_renamed(old: str, new: str) -> None:
    """Print a notice to stderr that a former name was used."""
    say(f"{style('notice:', 'yellow')} {old} is now {new}; the old name will be removed in the next release", err=True)


def secret_line(text: str) -> None:
    """Print one line unmasked: a secret that the user requested."""
    click.echo(text, file=sys.__stdout__)


def style(text: str, how: str) -> str:
    """Text in a colour (red, green, yellow, dim) or bold; `say` omits it if the output has no colours."""
    return f"⟦{_OWN}{CODES[how]}⟧{text}⟦{_OWN}0⟧"


def coloured(text: str, how: str) -> str:
    """Text for `write_masked` in a colour of `style`, if the output has colours."""
    colour = _colour(False)
    return f"\x1b[{CODES[how]}m{text}\x1b[0m" if (sys.stdout.isatty() if colour is None else colour) else text


def write_masked(lines: Iterable[str]) -> None:
    """Print many lines at once, which are masked already and have no control characters but those of `coloured`."""
    stream = sys.stdout
    _write(stream._stream if isinstance(stream, _Guarded) else stream, "\n".join([*lines, ""]))
    stream.flush()


def table(rows: Sequence[Sequence[str]], heading: Sequence[str], narrow: Sequence[str] = ()) -> None:
    """Print rows in columns as wide as their content. A cell is one line. narrow: columns, the widest sacrifice first,
    that are cut in the middle where the terminal is too narrow, and that have at most WIDEST characters elsewhere."""
    if not rows:
        return
    rows = [[" ".join(of_process().text(cell).split("\n")) for cell in row] for row in rows]
    if narrow:
        rows = _narrowed(rows, heading, [heading.index(name) for name in narrow if name in heading])
    widths = [max(_width(row[index]) for row in [heading, *rows]) for index in range(len(heading))]
    say(style("  ".join(cell.ljust(width) for cell, width in zip(heading, widths, strict=True)).rstrip(), "dim"))
    for row in rows:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def _narrowed(rows: Sequence[Sequence[str]], heading: Sequence[str], columns: Sequence[int]) -> list[Sequence[str]]:
    """Cells of these columns are plain text."""
    widths = [max(_width(row[index]) for row in [heading, *rows]) for index in range(len(heading))]
    terminal = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for index in columns:
        wide = sum(widths) + 2 * (len(widths) - 1)
        most = WIDEST if terminal is None else max(NARROWEST, widths[index] - max(0, wide - terminal))
        widths[index] = max(len(heading[index]), min(widths[index], most))
    return [[cut(cell, widths[index]) if index in columns else cell for index, cell in enumerate(row)] for row in rows]


def cut(text: str, width: int) -> str:
    """Text of at most that many characters: its beginning and its end."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def for_programs() -> bool:
    """Whether the command prints JSON: then nothing else goes to stdout."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.params.get("as_json"))


def guard_streams() -> None:
    """Mask known secrets in all output of this process, including tracebacks and libraries. Characters that the
    terminal lacks are replaced instead of raising an error. Where a caller, such as cron, closed a standard stream, the
    null device takes its number: no other file may get it, since the output of tools would go there."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    sys.stdout, sys.stderr = (cast(TextIO, _Guarded(stream)) for stream in (sys.stdout, sys.stderr))


class _Guarded:
    """A text stream whose writes are masked."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return _write(self._stream, of_process().mask(text))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _write(stream: TextIO, text: str) -> int:
    try:
        return stream.write(text)
    except UnicodeEncodeError:  # a Latin-1 or ASCII terminal
        encoding = stream.encoding
        return stream.write(text.translate(PLAIN).encode(encoding, "replace").decode(encoding))


class TerminalReporter:
    """Progress as lines, which read the same in a terminal, in a push and in a log."""

    def __init__(self, *, quiet: bool = False, silent: bool = False) -> None:
        self._lock = threading.Lock()
        self._silent = silent or for_programs()  # nothing to stdout, which is for programs
        self._quiet = quiet or self._silent  # omit the output of commands
        self._width = 12

    def heading(self, text: str) -> None:
        """Start a new stage."""
        self._print(f"\n{style('▌', 'green')} {style(text, 'bold')}")

    def begin(self, name: str, detail: str = "") -> None:
        """Start a part."""
        self._print(f"{style('▸', 'yellow')} {self._name(name)} {style(_short(plain(detail)), 'dim')}")

    def line(self, name: str, text: str) -> None:
        """Print a part's output."""
        if not self._quiet:
            self._print(f"  {style(self._name(name) + ' │', 'dim')} {text}")

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        """End a part."""
        from shipway.system.durations import human

        mark, colour = MARKS.get(outcome, ("·", "bright_black"))
        took = "" if seconds is None else f" {human(seconds)}"
        word = "" if outcome == "succeeded" else f" {outcome}"
        self._print(f"{style(mark, colour)} {self._name(name)}{word}{took} {style(detail, 'dim')}".rstrip())

    def note(self, text: str) -> None:
        """Print a message."""
        self._print(text)

    def _name(self, name: str) -> str:
        name = " ".join(plain(name).split())
        self._width = max(self._width, len(name))
        return name.ljust(self._width)

    def _print(self, text: str) -> None:
        with self._lock:
            say(text, err=self._silent)
            sys.stdout.flush()


def _short(text: str, limit: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _width(text: str) -> int:
    return len(_STYLED.sub("", text))


def _colour(err: bool) -> bool | None:
    """None: click decides by the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None
