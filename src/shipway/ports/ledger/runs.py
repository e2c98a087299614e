"""Runs of pipelines, and the journal of their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.release import Trigger
    from shipway.domain.run import RunRecord, StepRecord, StepResult
    from shipway.domain.totals import Total


class RunLedger(Protocol):
    """Runs and their steps: pending from their start until their outcome is recorded. Raises StoreError."""

    def begin_run(self, app: str, revision: str, tree: str, trigger: Trigger, at: float) -> int:
        """Append it as pending and return its number."""

    def end_run(self, run: int, outcome: str, at: float) -> None: ...
    def runs(self, app: str, limit: int) -> list[RunRecord]:
        """This many of the newest, newest first."""

    def run(self, app: str, number: int) -> RunRecord | None:
        """The app's run with that number."""

    def pending_runs(self, app: str) -> list[RunRecord]:
        """All unfinished ones, newest first."""

    def run_totals(self) -> list[Total]:
        """Of all apps, by app, kind of the trigger and outcome."""

    def begin_step(self, run: int, name: str, key: str, at: float) -> None:
        """Append it as pending; restarts one of that name in the run."""

    def end_step(
        self, run: int, name: str, outcome: str, at: float, result: StepResult | None = None, failure: str = ""
    ) -> None:
        """Record its outcome. failure: why it failed, if caused by the step itself."""

    def steps(self, run: int) -> list[StepRecord]:
        """In the order in which they began."""

    def recent_steps(self, app: str, runs: int) -> list[StepResult]:
        """Results of the steps of this many newest runs."""

    def passed_step(self, app: str, name: str, key: str) -> StepResult | None:
        """Result of the newest successful step of that name and key; None if there is none."""
