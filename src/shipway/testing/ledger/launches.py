"""The conformance suite of records about launches."""

from __future__ import annotations

from dataclasses import replace

from shipway.ports import Ledger
from shipway.testing.ledger.samples import LAUNCH


class LaunchSuite:
    """Records come back whole, in their order, by environment."""

    def test_launch_records_come_back(self, ledger: Ledger) -> None:
        other = replace(LAUNCH, environment="production", release=None)
        again = replace(LAUNCH, outcome="failed", at=1.0)
        assert ledger.launch_records("shop", "staging") == []
        for item in (LAUNCH, other, again):
            ledger.add_launch_record(item)
        assert ledger.launch_records("shop", "staging") == [LAUNCH, again]
        assert ledger.launch_records("shop", "production") == [other]
