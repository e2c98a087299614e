"""An in-memory Session."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence


class MemorySession:
    """Writes lines; with `echo` then its input until that ends. `sizes`: as they were set."""

    def __init__(self, lines: Sequence[str], code: int, *, echo: bool = False, end: Callable[[], None]) -> None:
        self.sizes: list[tuple[int, int]] = []
        self._code, self._echo, self._end = code, echo, end
        self._output = queue.SimpleQueue[bytes]()
        for line in lines:
            self._output.put(f"{line}\n".encode())
        if not echo:
            self._output.put(b"")

    def receive(self) -> tuple[int, bytes] | None:
        data = self._output.get(timeout=10)
        return (1, data) if data else None

    def send(self, data: bytes) -> None:
        if self._echo:
            self._output.put(data.rstrip(b"\x04"))  # Ctrl-D, which ends the input of a terminal

    def end_input(self) -> None:
        self._output.put(b"")

    def resize(self, rows: int, columns: int) -> bool:
        self.sizes.append((rows, columns))
        return True

    def exit_code(self) -> int:
        self._end()
        return self._code

    def close(self) -> None:
        self._output.put(b"")
