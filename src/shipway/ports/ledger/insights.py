"""Figures about many deployments and runs, counted by the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.insights import Spread, StepWeek


class InsightLedger(Protocol):
    """Of those that ended since a time, in seconds since the epoch; weeks are counted from there. Raises StoreError."""

    def deployment_weeks(self, app: str, environment: str, since: float) -> dict[int, tuple[int, int]]:
        """By week, how many deployments succeeded and failed there; without rollbacks."""

    def lead_times(self, app: str, environment: str, since: float) -> Spread:
        """From the first run of a release's tree to the end of the release's first deployment there that succeeded."""

    def restore_times(self, app: str, environment: str, since: float) -> Spread:
        """From the end of a deployment that succeeded to the end of the rollback that came next."""

    def step_weeks(self, app: str, since: float, weeks: int) -> list[StepWeek]:
        """Steps that passed or failed, by name and week, in this many weeks."""

    def flaky_steps(self, app: str, since: float) -> dict[str, int]:
        """By name, how many keys, which are the same inputs, both failed and passed."""
