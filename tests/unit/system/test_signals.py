"""A signal cancels the command, so that it cleans up; only a second Ctrl-C ends it at once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from shipway.domain.errors import Interrupted

PROGRAM = """
import os, signal, threading
from shipway.system.signals import cancel_on_signals

cancelled = threading.Event()
cancel_on_signals(cancelled)
for number in NUMBERS:
    try:
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 0.01)
        print("goes on")
    except KeyboardInterrupt:
        print("interrupted", cancelled.is_set())
"""


def signalled(*numbers: signal.Signals) -> tuple[int, str, str]:
    """Exit code, output and errors of a process that sends itself these signals."""
    program = PROGRAM.replace("NUMBERS", str([int(number) for number in numbers]))
    done = subprocess.run([sys.executable, "-u", "-c", program], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_cancels(number: signal.Signals) -> None:
    assert signalled(number) == (0, "interrupted True\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closing_terminal_does_not_interrupt_the_clean_up(number: signal.Signals) -> None:
    assert signalled(signal.SIGINT, number) == (0, "interrupted True\ngoes on\n", "")


def test_a_second_ctrl_c_ends_the_process_and_explains_its_leftovers() -> None:
    code, output, errors = signalled(signal.SIGTERM, signal.SIGINT)
    assert (code, output) == (Interrupted.exit_code, "interrupted True\n")
    assert "aborted:" in errors
    assert "shipway doctor" in errors
