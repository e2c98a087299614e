"""The conformance suite of commands that people ran."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain.errors import StoreError
from shipway.ports import OperationLedger
from shipway.testing.ledger.samples import OPERATION


class OperationSuite:
    """Operations come back whole, newest first, with or without their end."""

    def test_operations_come_back(self, ledger: OperationLedger) -> None:
        first = ledger.begin_operation(OPERATION)
        second = ledger.begin_operation(dataclasses.replace(OPERATION, environment="production", kind="db"))
        ledger.end_operation(first, 12.5, 3)
        one = dataclasses.replace(OPERATION, id=first, finished=12.5, code=3)
        two = dataclasses.replace(OPERATION, id=second, environment="production", kind="db")
        assert ledger.operations("shop") == [two, one]
        assert ledger.operations("shop", limit=1) == [two]
        assert ledger.operations("shop", "staging") == [one]
        assert ledger.operations("other") == []

    def test_an_operation_ends_once(self, ledger: OperationLedger) -> None:
        number = ledger.begin_operation(OPERATION)
        ledger.end_operation(number, 12.5, 0)
        with pytest.raises(StoreError):
            ledger.end_operation(number, 13.5, 1)
