"""Commands: their output, and that none of their processes outlives them."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from shipway.system import process
from shipway.system.process import run


def test_output_is_streamed_and_kept() -> None:
    lines: list[str] = []
    done = run(["sh", "-c", "echo one; echo two >&2; exit 3"], on_line=lines.append)
    assert (done.code, done.output, lines) == (3, "one\ntwo", ["one", "two"])


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    child = tmp_path / "child"
    for timeout in (0.5, 10.0):  # a busy machine may not have started it in the first
        assert run(["sh", "-c", f"sleep 60 & echo $! > {child}; wait"], timeout=timeout).code == 124
        if child.exists():
            break
    assert _gone(int(child.read_text()))


def test_a_child_in_the_background_does_not_outlive_the_time_out() -> None:
    started = time.monotonic()
    assert run(["sh", "-c", "sleep 60 & exit 0"], timeout=1).code == 124
    assert time.monotonic() - started < 30


def test_a_cancelled_command_ends_at_once(tmp_path: Path) -> None:
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    started = time.monotonic()
    assert run([sys.executable, "-c", "import time; time.sleep(60)"], cancelled=cancelled).code != 0
    assert time.monotonic() - started < 20


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_a_child_in_the_background_does_not_outlive_its_command(tmp_path: Path) -> None:
    child = tmp_path / "child"
    done = run(["sh", "-c", f"sleep 60 >{os.devnull} 2>&1 & echo $! > {child}; exit 3"])
    assert done.code == 3
    assert _gone(int(child.read_text()))


def test_a_child_that_left_the_group_holds_nothing_up() -> None:
    code = "import os, time; os.setsid(); print(os.getpid(), flush=True); time.sleep(60)"
    cancelled, lines, started = threading.Event(), list[str](), time.monotonic()

    def heard(line: str) -> None:
        lines.append(line)
        cancelled.set()

    try:
        run(["sh", "-c", f"'{sys.executable}' -c '{code}' & exit 0"], on_line=heard, cancelled=cancelled)
        assert time.monotonic() - started < 30
    finally:
        os.kill(int(lines[0]), 9)


def test_a_command_that_closes_its_output_is_waited_for() -> None:
    assert run(["sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 3"], timeout=30).code == 3
    assert run(["sh", "-c", "exec >&- 2>&-; sleep 60"], timeout=0.5).code == 124


def test_a_flood_of_output_does_not_hold_up_the_time_out() -> None:
    started = time.monotonic()
    assert run(["yes"], timeout=0.3).code == 124
    assert time.monotonic() - started < 20


def test_a_cancelled_command_ends_with_its_whole_group(tmp_path: Path) -> None:
    child, cancelled = tmp_path / "child", threading.Event()
    code = run(
        ["sh", "-c", f"sleep 60 & echo $! > {child}; echo begun; wait"],
        on_line=lambda line: cancelled.set(),
        cancelled=cancelled,
    ).code
    assert code not in (0, 124)
    assert _gone(int(child.read_text()))


def test_an_error_about_a_line_ends_the_command(tmp_path: Path) -> None:
    child = tmp_path / "child"

    def fails(line: str) -> None:
        raise LookupError(line)

    with pytest.raises(LookupError, match="begun"):
        run(["sh", "-c", f"echo $$ > {child}; echo begun; sleep 60"], on_line=fails)
    assert _gone(int(child.read_text()))


def test_much_output_is_passed_on_and_its_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LARGEST", 20)
    lines: list[str] = []
    done = run(["seq", "1000", "2000"], on_line=lines.append)
    assert (done.code, done.output) == (0, "1997\n1998\n1999\n2000")
    assert lines == [str(number) for number in range(1000, 2001)]


def test_a_line_without_an_end_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LONGEST_LINE", 100_000)
    lines: list[str] = []
    done = run(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"], on_line=lines.append)
    assert len(lines) > 1
    assert max(map(len, lines)) <= 100_000 + process.CHUNK
    assert done.output.replace("\n", "") == "x" * 1_000_000


def test_lines_of_every_kind() -> None:
    done = run(["sh", "-c", r"printf 'one\r\ntwo\rthree\n\n\303'; sleep 0.2; printf '\244\377 end'"])
    assert done.output == "one\ntwo\nthree\n\nä\ufffd end"
