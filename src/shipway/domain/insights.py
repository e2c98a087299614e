"""How often and how fast changes reach an environment, and how often they fail (the four measures of DORA), and its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.single_test import SingleTestTrend
from shipway.domain.value import dataclass

WEEK = 7 * 86400
STEPS = 10  # the slowest ones


@dataclass(frozen=True)
class Week:
    """Deployments that ended in a week. since: its start, in seconds since the epoch."""

    since: float
    succeeded: int
    failed: int


@dataclass(frozen=True)
class Spread:
    """Durations, in seconds. median, most: half of them and nine in ten took no longer; None: there are none."""

    count: int = 0
    median: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class StepWeek:
    """The runs of a step in a week: how many passed, in how many seconds together, and how many failed."""

    name: str
    week: int  # from 0
    passed: int
    seconds: float
    failed: int


@dataclass(frozen=True)
class StepTrend:
    """A step. mean: seconds of a run that passed; weeks: the same by week, None without one. flaky: how many of its inputs,
    the very same, both failed and passed."""

    name: str
    passed: int
    failed: int
    mean: float
    flaky: int
    weeks: tuple[float | None, ...]


@dataclass(frozen=True)
class Insights:
    """Of an environment, in a period. Times in seconds since the epoch."""

    app: str
    environment: str
    since: float
    until: float
    weeks: tuple[Week, ...]  # oldest first
    succeeded: int  # deployments
    failed: int  # of them, those that gave way to the release before, by themselves
    rolled_back: int  # that succeeded, and were rolled back before another one
    lead_time: Spread
    restore_time: Spread
    steps: tuple[StepTrend, ...]  # the slowest first
    flaky: tuple[StepTrend, ...]  # the flakiest first
    slow_tests: tuple[SingleTestTrend, ...] = ()  # single tests of reports, the slowest first
    flaky_tests: tuple[SingleTestTrend, ...] = ()  # the flakiest first

    @property
    def per_week(self) -> float:
        """Deployments that succeeded."""
        return self.succeeded * WEEK / max(self.until - self.since, 1.0)

    @property
    def failure_rate(self) -> float | None:
        """The share of deployments that failed or were rolled back; None: there are none."""
        ended = self.succeeded + self.failed
        return (self.failed + self.rolled_back) / ended if ended else None


def all_weeks(found: Mapping[int, tuple[int, int]], since: float, until: float) -> tuple[Week, ...]:
    """Each week of the period, also without deployments. found: succeeded and failed ones by week."""
    return tuple(Week(since + number * WEEK, *found.get(number, (0, 0))) for number in range(count_of(since, until)))


def trends(
    found: Sequence[StepWeek], flaky: Mapping[str, int], since: float, until: float
) -> tuple[tuple[StepTrend, ...], tuple[StepTrend, ...]]:
    """The slowest steps, and the flakiest ones."""
    by_name: dict[str, list[StepWeek]] = {}
    for item in found:
        by_name.setdefault(item.name, []).append(item)
    made = []
    for name, weeks in by_name.items():
        passed, seconds = sum(item.passed for item in weeks), sum(item.seconds for item in weeks)
        means = {item.week: item.seconds / item.passed for item in weeks if item.passed}
        row = tuple(means.get(number) for number in range(count_of(since, until)))
        failed = sum(item.failed for item in weeks)
        made.append(StepTrend(name, passed, failed, seconds / passed if passed else 0.0, flaky.get(name, 0), row))
    slowest = sorted((item for item in made if item.passed), key=lambda item: (-item.mean, item.name))
    flakiest = sorted((item for item in made if item.flaky), key=lambda item: (-item.flaky, item.name))
    return tuple(slowest[:STEPS]), tuple(flakiest[:STEPS])


def count_of(since: float, until: float) -> int:
    """How many weeks a period has, the last one perhaps in part."""
    return max(1, -int(-(until - since) // WEEK))
