"""The conformance suite of approvals, waivers, registrations and accepted rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from shipway.domain.registration import STAND_IN
from shipway.domain.release import Approval
from shipway.ports import DecisionLedger, Ledger
from shipway.testing.ledger.samples import ACCEPTED, REGISTRATION, RELEASE, WAIVER


class DecisionSuite:
    """Decisions come back whole, oldest first."""

    def test_approvals_come_back(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        approval = Approval("shop", "production", 1, "sha256:1", "eve@example.org", "fine", 1.5)
        signed = dataclasses.replace(
            approval,
            actor="bob@example.org",
            login="bob@laptop",
            change="sha256:2",
            expires=9.5,
            signature="-----BEGIN\n",
        )
        ledger.add_approval(approval)
        ledger.add_approval(signed)
        assert ledger.approvals("shop", "production", 1) == [approval, signed]
        assert ledger.approvals("shop", "staging", 1) == []

    def test_waivers_come_back(self, ledger: Ledger) -> None:
        for _ in range(2):
            ledger.add_release(RELEASE)
        second = dataclasses.replace(WAIVER, release=2, reason="also known")
        for item in (WAIVER, second):
            ledger.add_waiver(item)
        assert ledger.waivers("shop", "staging") == [WAIVER, second]
        assert ledger.waivers("shop", "staging", 2) == [second]
        assert ledger.waivers("shop", "production") == []

    def test_the_newest_registration_of_an_app_counts(
        self, ledger: DecisionLedger, again: Callable[[], DecisionLedger]
    ) -> None:
        assert ledger.registration("shop") is None
        ledger.register(REGISTRATION)
        assert again().registration("shop") == REGISTRATION
        moved = dataclasses.replace(REGISTRATION, address="git@git.example:acme/store.git", branch="develop", at=2.0)
        ledger.register(moved)
        assert ledger.registration("shop") == moved
        assert ledger.registration("other") is None

    def test_accepted_rules_come_back_whole(self, ledger: DecisionLedger) -> None:
        second, first = (
            dataclasses.replace(ACCEPTED, reason="again"),
            dataclasses.replace(ACCEPTED, environment=STAND_IN),
        )
        for item in (ACCEPTED, first, second):
            ledger.accept_rules(item)
        assert ledger.accepted_rules("shop", "production") == [ACCEPTED, second]
        assert ledger.accepted_rules("shop", STAND_IN) == [first]
        assert ledger.accepted_rules("other", "production") == []
