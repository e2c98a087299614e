"""Single tests of a step's reports, over all attempts and runs of the same files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipway.domain.value import dataclass

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
FLAKY = "flaky"  # failed and passed with the same files
RANKS = {FAILED: 0, FLAKY: 1, SKIPPED: 3}  # the order in which they are listed; the others are between
LISTED = 10  # the slowest and the flakiest ones


@dataclass(frozen=True)
class SingleTest:
    """One test as a report has it, cut and without secrets. outcome: passed, failed, skipped, or flaky if the report says that
    it was repeated and did both."""

    name: str
    suite: str  # class or group; "" if the report has none
    file: str  # "" if the report has none
    outcome: str
    seconds: float
    message: str = ""
    output: str = ""  # the end of what a failed one printed

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others of its step."""
        return self.file, self.suite, self.name


@dataclass(frozen=True)
class StepTest:
    """One test of an attempt of a step."""

    step: str
    attempt: int  # from 0
    test: SingleTest


@dataclass(frozen=True)
class RunTest:
    """A test of a run, over all attempts of its step. outcome: that of the last one, or flaky."""

    step: str
    name: str
    suite: str
    file: str
    outcome: str
    seconds: float
    attempts: int  # that have it
    message: str  # of the last failure; of a skipped one, why
    output: str


@dataclass(frozen=True)
class SingleTestTrend:
    """A test over many runs. mean: seconds of those that passed. flaky: with how many versions of the files it both failed
    and passed."""

    step: str
    name: str
    suite: str
    file: str
    passed: int
    failed: int
    mean: float
    flaky: int


def merged(tests: Iterable[SingleTest]) -> list[SingleTest]:
    """Each once: one that is listed several times, such as in the reports of two programs, failed if any of them did."""
    found: dict[tuple[str, str, str], SingleTest] = {}
    for test in tests:
        known = found.get(test.key)
        if known is None or _worse(test) < _worse(known):
            found[test.key] = test
    return list(found.values())


def of_run(found: Sequence[StepTest], unstable: Iterable[tuple[str, str, str, str]]) -> list[RunTest]:
    """The tests of a run: failures first, then the flaky ones, then the slowest. unstable: step and key of those that failed
    and passed in several runs of the same files."""
    flaky = set(unstable)
    attempts: dict[tuple[str, str, str, str], list[StepTest]] = {}
    for item in sorted(found, key=lambda item: item.attempt):
        attempts.setdefault((item.step, *item.test.key), []).append(item)
    tests = [_over(items, key in flaky) for key, items in attempts.items()]
    return sorted(tests, key=lambda item: (RANKS.get(item.outcome, 2), -item.seconds, item.step, item.suite, item.name))


def numbers(tests: Sequence[RunTest]) -> dict[str, int]:
    """How many there are by outcome."""
    return {outcome: sum(item.outcome == outcome for item in tests) for outcome in (FAILED, FLAKY, PASSED, SKIPPED)}


def _over(items: Sequence[StepTest], unstable: bool) -> RunTest:
    last = items[-1].test
    seen = {item.test.outcome for item in items}
    bad = next((item.test for item in reversed(items) if item.test.outcome in (FAILED, FLAKY)), last)
    outcome = FLAKY if unstable or FLAKY in seen or {FAILED, PASSED} <= seen else last.outcome
    return RunTest(
        items[-1].step, last.name, last.suite, last.file, outcome, last.seconds, len(items), bad.message, bad.output
    )


def _worse(test: SingleTest) -> tuple[int, float]:
    return RANKS.get(test.outcome, 2), -test.seconds
