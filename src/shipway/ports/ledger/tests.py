"""Single tests of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.single_test import SingleTest, SingleTestTrend, StepTest


class SingleTestLedger(Protocol):
    """Tests as the reports of steps say, of the newest runs. They only report: nothing is decided by them. Raises StoreError."""

    def add_tests(self, run: int, step: str, attempt: int, tests: Sequence[SingleTest]) -> None:
        """Keep those of an attempt, in place of what was kept of it; forget those of old runs. What is more than a run may
        have is left out."""

    def tests(self, run: int) -> list[StepTest]:
        """Of a run, as they were added."""

    def unstable_tests(self, app: str, tree: str) -> list[tuple[str, str, str, str]]:
        """Step, file, suite and name of those that both failed and passed with these files."""

    def failed_tests(self, app: str, tree: str, step: str) -> list[tuple[str, str, str]]:
        """File, suite and name of those that failed in the step with these files."""

    def slow_tests(self, app: str, since: float, limit: int) -> list[SingleTestTrend]:
        """This many of those that passed in runs that began since then, by their mean time, the slowest first."""

    def flaky_tests(self, app: str, since: float, limit: int) -> list[SingleTestTrend]:
        """This many of those that were flaky in runs that began since then, the flakiest first."""
