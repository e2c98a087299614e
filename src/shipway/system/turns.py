"""Two kinds of work that exclude each other; work of the same kind runs in parallel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Thread-safe. A waiting kind gets the next turn, so that neither starves."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._active = {True: 0, False: 0}
        self._waiting = {True: 0, False: 0}
        self._last = False  # the kind of the last turn

    @contextmanager
    def of(self, kind: bool) -> Iterator[None]:
        """Runs while no work of the other kind does."""
        with self._changed:
            self._waiting[kind] += 1
            self._changed.wait_for(lambda: self._may(kind))
            self._waiting[kind] -= 1
            self._active[kind] += 1
            self._last = kind
        try:
            yield
        finally:
            with self._changed:
                self._active[kind] -= 1
                self._changed.notify_all()

    def _may(self, kind: bool) -> bool:
        if self._active[not kind]:
            return False
        return not (self._waiting[not kind] and self._last is kind and self._active[kind])
