"""The kept output of a step, and going on with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.steps.log import UNKNOWN, StepLog

OWN = "pulled an image"


def log(path: Path, lines: list[str], *, resumed_at: int | None = None) -> list[str]:
    """What is shown."""
    shown: list[str] = []
    with StepLog(path, lambda text: text.replace("secret", "***"), shown.append, resumed_at=resumed_at) as kept:
        for line in lines:
            kept.line(line)
    return shown


@pytest.mark.parametrize("kept", ["", "a\n", "a\nb ***\n", "a\nb *", "a\nb ***\nc\n"])
def test_each_line_is_kept_once(tmp_path: Path, kept: str) -> None:
    path = tmp_path / "step.log"
    path.write_text(f"{OWN}\n{kept}")
    shown = log(path, ["a", "b secret", "c"], resumed_at=len(OWN) + 1)
    assert path.read_text() == f"{OWN}\na\nb ***\nc\n"
    assert shown == ["a", "b ***", "c"][kept.count("\n") :]


def test_an_output_whose_beginning_is_gone_is_kept_whole_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_text("a\nb\n")
    log(path, ["b", "c"], resumed_at=0)
    assert path.read_text().splitlines() == ["a", "b", UNKNOWN, "b", "c"]


@pytest.mark.parametrize("resumed_at", [None, 0, 70])
def test_without_a_log_it_is_a_new_one(tmp_path: Path, resumed_at: int | None) -> None:
    path = tmp_path / "logs" / "step.log"
    assert log(path, ["a", "of two\nlines"], resumed_at=resumed_at) == ["a", "of two", "lines"]
    assert path.read_text() == "a\nof two\nlines\n"


def test_the_output_of_a_restarted_step_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_text("a\nonce more\nof the second attempt\n")
    with StepLog(path, str, lambda line: None, resumed_at=0) as kept:
        kept.line("a")
        kept.line("once more")
        kept.cut()
        assert kept.position == len("a\nonce more\n")
        kept.line("of its repetition")
    assert path.read_text() == "a\nonce more\nof its repetition\n"
