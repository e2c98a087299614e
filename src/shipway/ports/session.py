"""A command in a container that is connected to a person's input and output."""

from __future__ import annotations

from typing import Protocol


class Session(Protocol):
    """The connection to a command in a container. One thread may send while another receives. Raises EngineError."""

    def receive(self) -> tuple[int, bytes] | None:
        """The next output: 1 for stdout or 2 for stderr, and bytes. None once the command's output has ended. With a
        terminal all output is stdout."""

    def send(self, data: bytes) -> None:
        """Write to its input."""

    def end_input(self) -> None:
        """Its input has ended."""

    def resize(self, rows: int, columns: int) -> bool:
        """Set the size of its terminal. False if it has none yet, because it is still starting. Nothing happens if it has
        ended."""

    def exit_code(self) -> int:
        """Wait until it has ended; returns its exit code."""

    def close(self) -> None:
        """Disconnect. A command that still runs continues. Idempotent."""


class Terminal(Protocol):
    """Where a person's input comes from and output goes to."""

    @property
    def tty(self) -> bool:
        """Whether both are a terminal."""

    @property
    def kind(self) -> str:
        """Kind of the terminal, as in the variable TERM."""

    def converse(self, session: Session) -> None:
        """Pass on input and output until the command's output has ended."""
