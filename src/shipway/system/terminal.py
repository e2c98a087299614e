"""This process's own input and output for a session with a command in a container."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator

from shipway.domain.errors import EngineError
from shipway.ports import Session

SIZE = 1 << 16  # bytes read at a time
AGAIN = 0.01  # seconds until the size of a terminal is set again
STARTING = 10.0  # seconds in which a command has a terminal


class OwnTerminal:
    """Implements ports.Terminal with file descriptors 0 to 2. A terminal is in raw mode meanwhile: each key, also Ctrl-C,
    is the command's. Only for the main thread."""

    @property
    def tty(self) -> bool:
        return sys.__stdin__ is not None and os.isatty(0) and os.isatty(1)

    @property
    def kind(self) -> str:
        return os.environ.get("TERM") or "xterm"

    def converse(self, session: Session) -> None:
        """Returns when the command's output has ended. Errors of its input are not raised: it may not read any."""
        over, wake = os.pipe()
        sending = threading.Thread(target=_send, args=(session, over), daemon=True)
        try:
            with _raw(), _sizes(session) if self.tty else contextlib.nullcontext():
                sending.start()
                while (part := session.receive()) is not None:
                    stream, data = part
                    _write(stream, data)
        finally:
            os.close(wake)
            sending.join(1.0)
            if not sending.is_alive():
                os.close(over)


def _send(session: Session, over: int) -> None:
    """Pass on the input, until it or the session ends."""
    with contextlib.suppress(EngineError, OSError, ValueError):
        while True:
            ready, _, _ = select.select([0, over], [], [])
            if over in ready:
                return
            data = os.read(0, SIZE)
            if not data:
                session.end_input()
                return
            session.send(data)


def _write(stream: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(stream, rest) :]


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """Pass on keys as they are. Nothing happens if the input is no terminal."""
    if not (os.isatty(0) and os.isatty(1)):
        yield
        return
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _sizes(session: Session) -> Iterator[None]:
    """Give the command's terminal the size of this one: before anything is shown or typed, and whenever it changes. On a
    terminal without a size, clients show even one row by a pager, which takes the keys that were typed for them."""
    changed, over = threading.Event(), threading.Event()

    def follow() -> None:
        while changed.wait() and not over.is_set():
            changed.clear()
            _resize(session)

    changed_size = signal.signal(signal.SIGWINCH, lambda number, frame: changed.set())
    _resize(session)
    threading.Thread(target=follow, daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, changed_size)
        over.set()
        changed.set()


def _resize(session: Session) -> None:
    deadline = time.monotonic() + STARTING
    with contextlib.suppress(EngineError):
        while time.monotonic() < deadline:
            columns, rows = os.get_terminal_size(1)
            if session.resize(rows, columns):
                return
            time.sleep(AGAIN)
