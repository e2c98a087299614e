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

    def test_those_of_all_are_among_those_of_each(self, ledger: OperationLedger) -> None:
        numbers = [
            ledger.begin_operation(dataclasses.replace(OPERATION, app=app, environment=environment, kind="grant"))
            for app, environment in (("*", "*"), ("shop", "*"), ("shop", "staging"), ("other", "staging"))
        ]
        assert [item.id for item in ledger.operations("shop")] == numbers[2::-1]
        assert [item.id for item in ledger.operations("shop", "staging")] == numbers[2::-1]
        assert [item.id for item in ledger.operations("shop", "production")] == numbers[1::-1]
        assert [item.id for item in ledger.operations("other", limit=1)] == numbers[3:]

    def test_an_operation_ends_once(self, ledger: OperationLedger) -> None:
        number = ledger.begin_operation(OPERATION)
        ledger.end_operation(number, 12.5, 0)
        with pytest.raises(StoreError):
            ledger.end_operation(number, 13.5, 1)
