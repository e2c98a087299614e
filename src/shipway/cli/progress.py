"""A progress bar below the lines of a command's output, on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from types import TracebackType

from shipway.cli.output import say

BAR = 24  # characters
CLEAR = "\r\x1b[K"


def can_draw() -> bool:
    """Whether stdout and stderr are terminals that can redraw a line. If one of them is a pipe, its reader may write to
    the same terminal in between."""
    streams = (sys.stdout, sys.stderr)
    return all(stream.isatty() for stream in streams) and os.environ.get("TERM", "dumb") != "dumb"


class Progress:
    """Draws to stderr each second; lines are printed by `line`, which moves the bar below them. active: whether it is
    drawn at all; else only the lines are printed."""

    def __init__(self, word: str, *, active: bool, pause: float = 1.0) -> None:
        self._word, self._active, self._pause = word, active, pause
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._began = time.monotonic()
        self._done, self._total, self._drawn = 0, 0, False
        self._note = ""

    def __enter__(self) -> Progress:
        if self._active:
            threading.Thread(target=self._redraw, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._over.set()
            self._erase()

    def begin(self, total: int) -> None:
        """There are this many things to do."""
        with self._lock:
            self._note, self._total = "", total
            self._draw()

    def advance(self) -> None:
        """One of them is done."""
        with self._lock:
            self._done += 1
            self._draw()

    def note(self, text: str) -> None:
        """What is done before that."""
        with self._lock:
            self._note = text
            self._draw()

    def line(self, text: str, *, err: bool = False) -> None:
        """Print a line of output."""
        with self._lock:
            self._erase()
            say(text, err=err)
            sys.stdout.flush()
            self._draw()

    def _redraw(self) -> None:
        while not self._over.wait(self._pause):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        if not self._active or self._over.is_set():
            return
        width = shutil.get_terminal_size((80, 24)).columns - 1  # a full line would wrap
        text = bar(self._done, self._total, time.monotonic() - self._began, self._word, self._note)[:width]
        sys.stderr.write(CLEAR + _coloured(text))
        sys.stderr.flush()
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
            self._drawn = False


def bar(done: int, total: int, seconds: float, word: str, note: str = "") -> str:
    """`[######..................] 57/214 migrations, 12 s`."""
    minutes, rest = divmod(int(seconds), 60)
    took = f"{minutes}:{rest:02}" if minutes else f"{rest} s"
    if note or not total:
        return f"{note or 'starting'}, {took}"
    full = BAR * done // total
    return f"[{'#' * full}{'.' * (BAR - full)}] {done}/{total} {word}, {took}"


def _coloured(text: str) -> str:
    """The done part in green, if colours are wanted."""
    if os.environ.get("NO_COLOR") or "#" not in text:
        return text
    start, end = text.index("#"), text.rindex("#") + 1
    return f"{text[:start]}\x1b[32m{text[start:end]}\x1b[0m{text[end:]}"
