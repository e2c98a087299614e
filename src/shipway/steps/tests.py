"""Single tests of a step's reports, for the ledger: a bounded number, each cut, without secrets."""

from __future__ import annotations

import heapq
from collections.abc import Collection

from shipway.domain.single_test import FAILED, FLAKY, SingleTest, merged
from shipway.steps.junit import TAIL, RawTest
from shipway.system.redact import Redactor

MOST = 2000  # tests of an attempt
MOST_BAD = 500  # of them, those that failed
NAME = 300  # characters of a name, and of a message of one line
MESSAGE, OUTPUT = 2000, 6000  # characters
BEFORE = 1 << 16  # characters of a name or a message that are searched for secrets
LOST = 8 << 10  # characters at the beginning of an output that was cut: they may be a part of a secret


class Kept:
    """What is kept of many tests: failures, those that failed before with the same files, and then the slowest."""

    def __init__(self, redactor: Redactor, before: Collection[tuple[str, str, str]] = ()) -> None:
        self._redactor, self._before = redactor, frozenset(before)
        self._names = frozenset(name for _, _, name in before)
        self._bad: list[SingleTest] = []
        self._others: list[tuple[bool, float, int, SingleTest]] = []  # a heap, the least important first
        self._count = 0

    def add(self, raw: RawTest) -> None:
        """Take one, or not."""
        self._count += 1
        if raw.outcome in (FAILED, FLAKY):
            if len(self._bad) < MOST_BAD:
                self._bad.append(self._made(raw))
            return
        least = self._others[0] if len(self._others) >= MOST - MOST_BAD else None
        if least is not None and raw.seconds <= least[1] and raw.name not in self._names:
            return  # most of a million
        test = self._made(raw)
        item = (test.key in self._before, raw.seconds, -self._count, test)
        if least is None:
            heapq.heappush(self._others, item)
        elif item[:3] > least[:3]:
            heapq.heapreplace(self._others, item)

    def tests(self) -> list[SingleTest]:
        """Failures first."""
        return merged([*self._bad, *(test for *_, test in sorted(self._others, key=lambda item: -item[2]))])

    def _made(self, raw: RawTest) -> SingleTest:
        bad = raw.outcome in (FAILED, FLAKY)
        trace = self._tail(raw.trace, OUTPUT) if bad else ""
        output = self._tail(raw.output, OUTPUT) if bad else ""
        message = self._head(raw.message, MESSAGE) or next((line for line in trace.split("\n") if line.strip()), "")
        return SingleTest(
            self._line(raw.name) or "(without a name)", self._line(raw.suite), self._line(raw.file), raw.outcome, raw.seconds,
            message.strip()[:MESSAGE], "\n\n".join(filter(None, (trace, output))),
        )  # fmt: skip

    def _line(self, text: str) -> str:
        return " ".join(self._head(text, NAME).split()) if text else ""

    def _head(self, text: str, most: int) -> str:
        """The beginning. Masked before it is cut: a part of a secret could not be found later."""
        if not text:
            return ""
        masked = self._redactor.text(text[:BEFORE])
        return masked if len(masked) <= most else f"{masked[: most - 1]}…"

    def _tail(self, text: str, most: int) -> str:
        masked, cut = self._redactor.text(text), len(text) >= TAIL
        masked = (masked[LOST:] if cut else masked).strip("\n")
        return f"…{masked[1 - most :]}" if cut or len(masked) > most else masked
