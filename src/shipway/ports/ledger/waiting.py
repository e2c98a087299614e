"""Deployments that wait, and holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.waiting import Hold, Waiting


class WaitingLedger(Protocol):
    """An environment has at most one open deployment that waits. Raises StoreError. Times are by the ledger's clock."""

    def add_waiting(self, waiting: Waiting, over: int = 0) -> Waiting | None:
        """Append it, and end the open one of its environment as superseded, with a record in the history. over: that one's id,
        0: there is none; if another one is open, nothing is done: None. The open one of the same release, commit and ref
        stays, and waits for what this one does. Returns it with its id."""

    def waiting(self, app: str, environment: str) -> Waiting | None:
        """The open one."""

    def all_waiting(self) -> list[Waiting]:
        """All open ones, oldest first."""

    def waiting_of(self, id: int) -> Waiting | None:
        """The one with this id."""

    def judge_waiting(self, id: int, why: Sequence[str], until: float | None, seen: str) -> None:
        """It was judged now, and still waits. No deployment of it is begun any more."""

    def begin_waiting(self, id: int) -> bool:
        """A deployment of it begins. False: it has ended."""

    def end_waiting(self, waiting: Waiting, outcome: str, note: str, *, recorded: bool = True) -> bool:
        """It ends; recorded: also as a deployment in the history, since it has none there. False: it has ended before."""

    def add_hold(self, hold: Hold) -> None: ...
    def holds(self, app: str, environment: str) -> list[Hold]:
        """All of the environment, oldest first."""
