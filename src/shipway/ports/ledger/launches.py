"""Steps of launches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.launch import LaunchRecord


class LaunchLedger(Protocol):
    """What happened to the steps of launches, and to seeds that run once in an environment. Raises StoreError."""

    def add_launch_record(self, record: LaunchRecord) -> None: ...
    def launch_records(self, app: str, environment: str) -> list[LaunchRecord]:
        """All of the environment, oldest first."""
