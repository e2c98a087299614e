"""The conformance suite of changes of DNS records and of infrastructure."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain.errors import StoreError
from shipway.domain.provision import APPLY, DNS, INFRA, SUCCEEDED, Provision
from shipway.ports import ProvisionLedger

CHANGE = Provision(
    0, "shop", "staging", DNS, APPLY, "sha256:1", "abc", "ada@example.com", "ada on laptop", "+ www A", 1.5
)


class ProvisionSuite:
    """Changes come back whole, newest first, with or without their end."""

    def test_changes_come_back(self, ledger: ProvisionLedger) -> None:
        first = ledger.begin_provision(CHANGE)
        second = ledger.begin_provision(dataclasses.replace(CHANGE, detail="- www A"))
        ledger.begin_provision(dataclasses.replace(CHANGE, kind=INFRA))
        ledger.end_provision(first, 2.5, SUCCEEDED, "done", {"hosts": ["one", "two"]})
        one = dataclasses.replace(
            CHANGE, id=first, finished=2.5, outcome=SUCCEEDED, message="done", outputs={"hosts": ("one", "two")}
        )
        two = dataclasses.replace(CHANGE, id=second, detail="- www A")
        assert ledger.provisions("shop", "staging", DNS) == [two, one]
        assert ledger.provisions("shop", "staging", DNS, limit=1) == [two]
        assert ledger.provisions("shop", "staging", DNS, 1, outcome=SUCCEEDED) == [one]
        assert ledger.provisions("shop", "production", DNS) == []

    def test_a_change_ends_once(self, ledger: ProvisionLedger) -> None:
        number = ledger.begin_provision(CHANGE)
        ledger.end_provision(number, 2.5, SUCCEEDED)
        with pytest.raises(StoreError):
            ledger.end_provision(number, 3.5, SUCCEEDED)
