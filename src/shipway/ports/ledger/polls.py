"""Repositories that are asked for new commits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.poll import Poll


class PollLedger(Protocol):
    """Those that count. Raises StoreError. Times are by the ledger's clock."""

    def add_poll(self, poll: Poll) -> bool:
        """False: there is one of that name."""

    def remove_poll(self, name: str) -> bool:
        """False: there is none of that name."""

    def polls(self) -> list[Poll]:
        """By name."""

    def claim_poll(self, name: str) -> Poll | None:
        """The one that is to be asked now, which no other process gets until it is due again. None: it is not due."""

    def record_poll(self, poll: Poll, refs: Mapping[str, str]) -> bool:
        """What was seen at a look that was claimed. False: another look was recorded since."""

    def fail_poll(self, name: str, problem: str) -> None:
        """Why a look failed; what was seen before stays."""
