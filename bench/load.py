"""Load on a site of this machine during a change, and the result of each request.

Bounded: at most twice RATE requests a second and `limit` seconds, to an address of this machine or of its test hosts only.
"""

from __future__ import annotations

import bisect
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

VISITORS = Path(__file__).with_name("visitors.py")
KEPT, FRESH, SLOW, WEBSOCKET = KINDS = ("keep-alive", "fresh", "slow", "websocket")
RATE = {KEPT: 250.0, FRESH: 250.0, SLOW: 2.0, WEBSOCKET: 2.0}  # started per second
BEFORE, AFTER = 0.1, 0.9  # seconds around a switch that count as "during"


class Sample(NamedTuple):
    """One request: when it began (monotonic), its duration, the version that answered, and the failure ('': none)."""

    begun: float
    took: float
    version: str
    failure: str


class Load:
    """Visitors of all kinds, each in its own process, during the `with` block. Then `samples` is available."""

    def __init__(
        self, host: str, port: int, rate: dict[str, float] | None = None, *, limit: float = 300.0, address: str = "127.0.0.1"
    ) -> None:  # fmt: skip
        self._where, self._limit = (host, address, str(port)), str(limit)
        self._rate = RATE if rate is None else rate
        self.samples: dict[str, list[Sample]] = {}

    def __enter__(self) -> Load:
        self._folder = tempfile.TemporaryDirectory()
        self._processes = {kind: self._start(kind, rate) for kind, rate in self._rate.items()}
        for process in self._processes.values():
            assert process.stdout is not None
            process.stdout.readline()  # it has started, and can be ended
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes.values():
            process.terminate()
        codes = {kind: process.wait() for kind, process in self._processes.items()}
        for process in self._processes.values():
            assert process.stdout is not None
            process.stdout.close()
        if error[0] is None:
            if any(codes.values()):
                raise RuntimeError(f"visitors failed: {codes}")
            for kind in self._rate:
                found = json.loads((Path(self._folder.name) / kind).read_text())
                self.samples[kind] = sorted(Sample(*item) for item in found)
        self._folder.cleanup()

    def _start(self, kind: str, rate: float) -> subprocess.Popen[bytes]:
        file = Path(self._folder.name) / kind
        args = [sys.executable, str(VISITORS), kind, *self._where, str(rate), self._limit, str(file)]
        return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def quick(self) -> list[Sample]:
        """All short requests, in the order of their start."""
        return sorted(self.samples.get(KEPT, []) + self.samples.get(FRESH, []))

    def lost(self, kind: str) -> int:
        """Number of requests of a kind without a complete and correct answer."""
        return sum(bool(sample.failure) for sample in self.samples.get(kind, ()))

    def failures(self) -> str:
        """Failures with their counts, as a message; '' if there are none."""
        found = Counter(
            f"{kind}: {sample.failure}" for kind in self.samples for sample in self.samples[kind] if sample.failure
        )
        return ", ".join(f"{count} × {what}" for what, count in found.most_common(6))


def first_answer(samples: Iterable[Sample], version: str, since: float) -> float | None:
    """When the first answer of a version arrived, among requests that began after `since`."""
    return min(
        (item.begun + item.took for item in samples if item.version == version and item.begun >= since), default=None
    )


def last_other(samples: Iterable[Sample], version: str, since: float, until: float) -> float:
    """When the last request began that another version answered before `until`; `since` if there is none."""
    found = (
        item.begun
        for item in samples
        if item.version not in ("", version) and item.begun >= since and item.begun + item.took < until
    )
    return max(found, default=since)


def during(samples: Sequence[Sample], switches: Iterable[float], after: float = AFTER) -> list[Sample]:
    """The requests that began around a switch; `samples` in order."""
    return [item for moment in switches for item in between(samples, moment - BEFORE, moment + after)]


def between(samples: Sequence[Sample], start: float, end: float) -> Sequence[Sample]:
    """The requests that began in a period; `samples` in order."""
    return samples[bisect.bisect_left(samples, (start,)) : bisect.bisect_left(samples, (end,))]


def p99(samples: Sequence[Sample]) -> float:
    """In seconds; NaN without samples."""
    taken = sorted(item.took for item in samples)
    return taken[math.ceil(len(taken) * 0.99) - 1] if taken else math.nan


def pause(seconds: float) -> tuple[float, float]:
    """Wait; returns the start and end of the wait, which is steady state."""
    started = time.monotonic()
    time.sleep(seconds)
    return started, time.monotonic()
