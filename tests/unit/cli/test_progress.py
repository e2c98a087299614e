"""The progress bar, as a terminal shows it."""

from __future__ import annotations

import io
import sys

import pytest

from shipway.cli.progress import Progress, bar, can_draw


class Terminal(io.StringIO):
    """A screen without scrolling: both streams write to it."""

    def isatty(self) -> bool:
        return True

    def take_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the test itself: pytest replaces the streams after a fixture."""
        monkeypatch.setattr(sys, "stdout", self)
        monkeypatch.setattr(sys, "stderr", self)

    @property
    def screen(self) -> list[str]:
        """The lines that can be seen."""
        lines = []
        for line in self.getvalue().split("\n"):
            last = line.rsplit("\r", 1)[-1].removeprefix("\x1b[K")
            assert "\x1b[K" not in last, "a line was torn"
            lines.append(last.replace("\x1b[32m", "").replace("\x1b[0m", ""))
        return lines


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_lines_stay_whole_and_the_bar_below_them(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.take_over(monkeypatch)
    with Progress("migrations", active=True, pause=0.001) as progress:
        progress.note("starting a server")
        assert terminal.screen == ["starting a server, 0 s"]
        progress.begin(2)
        for index in range(300):
            progress.line(f"line {index}")
        progress.advance()
        *lines, last = terminal.screen
        assert lines == [f"line {index}" for index in range(300)]
        assert last.startswith("[############............] 1/2 migrations, ")
    assert terminal.screen == [*(f"line {index}" for index in range(300)), ""]
    progress.line("the end")
    assert terminal.screen[-2:] == ["the end", ""], "nothing is drawn afterwards"


def test_it_is_never_wider_than_the_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.take_over(monkeypatch)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("NO_COLOR", "1")
    with Progress("migrations", active=True) as progress:
        progress.begin(2)
        progress.advance()
        assert terminal.screen == ["[############......"]
        assert "\x1b[32m" not in terminal.getvalue()


def test_it_is_green_only_where_colours_are_wanted(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.take_over(monkeypatch)
    with Progress("migrations", active=True) as progress:
        progress.begin(2)
        progress.advance()
    assert "\x1b[32m############\x1b[0m" in terminal.getvalue()


def test_without_a_terminal_only_lines_are_printed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.take_over(monkeypatch)
    with Progress("migrations", active=False) as progress:
        progress.begin(3)
        progress.advance()
        progress.line("one")
    assert terminal.getvalue() == "one\n"


@pytest.mark.parametrize("missing", ["stdout", "stderr", "term", "dumb"])
def test_where_it_can_be_drawn(missing: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.take_over(monkeypatch)
    assert can_draw()
    if missing in ("stdout", "stderr"):
        monkeypatch.setattr(sys, missing, io.StringIO())
    elif missing == "term":
        monkeypatch.delenv("TERM")
    else:
        monkeypatch.setenv("TERM", "dumb")
    assert not can_draw()


def test_the_bar() -> None:
    assert bar(0, 3, 0.4, "migrations") == "[........................] 0/3 migrations, 0 s"
    assert bar(3, 3, 61.9, "migrations") == "[########################] 3/3 migrations, 1:01"
    assert bar(0, 0, 5, "migrations") == "starting, 5 s"
    assert bar(1, 3, 5, "migrations", "pulling") == "pulling, 5 s"
