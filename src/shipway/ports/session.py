"""A running command, connected to input and output."""

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

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of its terminal; without effect for one that has none, or has ended."""

    def exit_code(self) -> int:
        """Wait until it has ended; returns its exit code."""

    def close(self) -> None:
        """Disconnect. A command that still runs continues. Idempotent."""
