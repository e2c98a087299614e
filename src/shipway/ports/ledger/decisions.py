"""Decisions of people: approvals, waivers, registrations of repositories, and accepted rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.registration import AcceptedRules, Registration
    from shipway.domain.release import Approval, Waiver


class DecisionLedger(Protocol):
    """What was decided, by whom and why. Raises StoreError."""

    def add_approval(self, approval: Approval) -> None: ...
    def approvals(self, app: str, environment: str, release: int) -> list[Approval]:
        """Oldest first."""

    def add_waiver(self, waiver: Waiver) -> None: ...
    def waivers(self, app: str, environment: str, release: int | None = None) -> list[Waiver]:
        """Oldest first; of all releases if none is given."""

    def register(self, registration: Registration) -> None:
        """Append it; it replaces the app's earlier one."""

    def registration(self, app: str) -> Registration | None:
        """The newest; None if the app isn't bound to a repository yet."""

    def accept_rules(self, rules: AcceptedRules) -> None: ...
    def accepted_rules(self, app: str, environment: str) -> list[AcceptedRules]:
        """Oldest first."""
