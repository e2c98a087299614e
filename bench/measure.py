"""Shared by all themes: a row of the table, and timing of commands."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One measurement. goal: the value must not exceed it; None: for comparison only."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met."""
        return None if self.goal is None else self.value <= self.goal

    def data(self) -> dict[str, object]:
        """The row for the JSON file."""
        return {**asdict(self), "value": round(self.value, 4), "holds": self.holds}


def seconds(work: Callable[[], object]) -> float:
    """Duration of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(work: Callable[[], object], times: int) -> float:
    """Median of several calls in seconds, after a warm-up."""
    work()
    return statistics.median(seconds(work) for _ in range(times))


def interleaved(works: Sequence[Callable[[], object]], times: int) -> list[float]:
    """Medians of several functions, called in turn, so that noise affects all of them."""
    taken: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    for _ in range(times):
        for index, work in enumerate(works):
            taken[index].append(seconds(work))
    return [statistics.median(each) for each in taken]


def command(*args: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Callable[[], None]:
    """A command as a function to time; it must succeed."""

    def run() -> None:
        done = subprocess.run(args, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{args} exited with {done.returncode}:\n{done.stdout}{done.stderr}")

    return run
