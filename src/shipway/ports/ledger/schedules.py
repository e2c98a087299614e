"""Runs of jobs on a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.scheduled_run import ScheduledRun


class ScheduleLedger(Protocol):
    """Runs are pending from their claim until their outcome is recorded. Raises StoreError."""

    def claim_scheduled(self, run: ScheduledRun) -> int | None:
        """Append it (its id is ignored), with its outcome if it already has one, and return its id. None if a run with
        its schedule, due time and attempt exists: another controller has claimed it."""

    def begin_scheduled(self, id: int, at: float) -> None:
        """Record that its container is about to start."""

    def end_scheduled(self, run: ScheduledRun, again: ScheduledRun | None = None) -> bool:
        """Record its outcome, and claim the next attempt, if there is one: both or none. False, without a change, if it
        has an outcome."""

    def pending_scheduled(self, app: str, environment: str) -> list[ScheduledRun]:
        """All without an outcome, oldest first."""

    def scheduled_runs(self, app: str, environment: str, schedule: str, limit: int = 50) -> list[ScheduledRun]:
        """This many of the newest of a schedule, newest first."""

    def last_due(self, app: str, environment: str, schedule: str, until: float) -> float | None:
        """The newest due time up to a time that has a run, without those that a person started. A later one is of a clock
        that was wrong for a while."""
