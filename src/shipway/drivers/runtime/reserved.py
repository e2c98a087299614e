"""Addresses that were chosen, and that an engine doesn't know of yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Reserved:
    """Choices follow one another; what is done with them goes on side by side."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken: set[str] = set()

    @contextmanager
    def of(self, choose: Callable[[set[str]], str | None]) -> Iterator[str | None]:
        """What `choose` chooses, given the addresses that it must not choose; reserved in the block."""
        with self._guard:
            address = choose(self._taken)
            if address is not None:
                self._taken.add(address)
        try:
            yield address
        finally:
            if address is not None:
                self._taken.discard(address)
