"""Turns the signals that end a command into its cancellation, so that it cleans up first."""

from __future__ import annotations

import os
import signal
import threading

from shipway.domain.errors import Interrupted

ABORTED = """
aborted: the work of this command is unfinished; containers of both releases may be running, and a step may continue
the next shipway command for this environment completes the deployment or rolls it back; `shipway doctor` lists leftovers
"""


def cancel_on_signals(cancelled: threading.Event) -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP set `cancelled` and raise KeyboardInterrupt in the main thread, once. A further
    Ctrl-C ends the process at once with a message. Has no effect in other threads than the main one."""
    interrupted = False

    def interrupt(signum: int, frame: object) -> None:
        # Only once: a signal of a closing terminal or a CI service must not interrupt the rollback, which clears
        # `cancelled`. A second Ctrl-C means that the user doesn't want to wait for it.
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            cancelled.set()
            raise KeyboardInterrupt
        if signum == signal.SIGINT:
            os.write(2, ABORTED.encode())
            os._exit(Interrupted.exit_code)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, interrupt)
