"""Shared base of all in-memory drivers: records each call, and fails when a test says so."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class _Fault:
    error: BaseException
    after: bool


class Recorder:
    """`calls` has one stable line per call: the method and its main arguments."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._counts: Counter[str] = Counter()
        self._faults: dict[tuple[str, int], _Fault] = {}
        self._guard = threading.RLock()

    def __getstate__(self) -> dict[str, object]:
        """The state without the lock, for a deep copy."""
        return {name: value for name, value in vars(self).items() if name != "_guard"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _guard=threading.RLock())

    def fail(self, method: str, *, at: int = 1, error: BaseException, after: bool = False) -> None:
        """Make the at-th call of a method from now on raise; after: after its effect."""
        with self._guard:
            self._faults[method, self._counts[method] + at] = _Fault(error, after)

    @contextmanager
    def _call(self, method: str, *words: object) -> Iterator[None]:
        """Wraps the effect of a call; one call at a time."""
        with self._guard:
            self.calls.append(" ".join([method, *map(str, words)]))
            self._counts[method] += 1
            fault = self._faults.pop((method, self._counts[method]), None)
            if fault and not fault.after:
                raise fault.error
            yield
            if fault:
                raise fault.error
