"""The conformance suite of releases, versions and evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shipway.domain.errors import StoreError
from shipway.domain.release import Evidence
from shipway.ports import ReleaseLedger
from shipway.testing.ledger.samples import RELEASE


class ReleaseSuite:
    """Releases are numbered, whole and permanent."""

    def test_releases_are_numbered_by_app_without_gaps(
        self, ledger: ReleaseLedger, again: Callable[[], ReleaseLedger]
    ) -> None:
        other = again()

        def add(index: int) -> int:
            return (ledger if index % 2 else other).add_release(RELEASE).number

        with ThreadPoolExecutor(8) as pool:
            numbers = sorted(pool.map(add, range(24)))
        assert numbers == list(range(1, 25))
        assert ledger.add_release(dataclasses.replace(RELEASE, app="other")).number == 1

    def test_a_release_comes_back_whole(self, ledger: ReleaseLedger) -> None:
        added = ledger.add_release(RELEASE)
        assert ledger.release("shop", 1) == added == dataclasses.replace(RELEASE, number=1)
        assert ledger.release("shop", 2) is None
        assert ledger.release("other", 1) is None

    def test_releases_are_found_by_tree_newest_first(self, ledger: ReleaseLedger) -> None:
        for tree in ("tree-1", "tree-2", "tree-1"):
            ledger.add_release(dataclasses.replace(RELEASE, tree=tree))
        assert [item.number for item in ledger.releases_of("shop", "tree-1")] == [3, 1]
        assert [item.number for item in ledger.releases("shop", limit=2)] == [3, 2]

    def test_a_release_can_not_be_replaced(self, ledger: ReleaseLedger, execute: Callable[[str], object]) -> None:
        ledger.add_release(RELEASE)
        with pytest.raises(StoreError):
            execute("REPLACE INTO releases VALUES ('shop', 1, 'other', '{}')")
        assert ledger.release("shop", 1) == dataclasses.replace(RELEASE, number=1)

    def test_versions_lead_to_their_release_and_back(self, ledger: ReleaseLedger) -> None:
        for _ in range(2):
            ledger.add_release(RELEASE)
        for release, name in ((1, "v1.0.0"), (1, "v1.0.1"), (2, "v2.0.0")):
            ledger.add_evidence(Evidence("shop", release, "production", "version", name, True, "", 1.0))
        ledger.add_evidence(Evidence("shop", 2, "staging", "check", "v1.0.0", True, "", 1.0))
        assert ledger.versions("shop", 1) == ["v1.0.0", "v1.0.1"]
        assert [ledger.version("shop", "v1.0.0"), ledger.version("shop", "v3")] == [ledger.release("shop", 1), None]

    def test_evidence_comes_back(self, ledger: ReleaseLedger) -> None:
        ledger.add_release(RELEASE)
        evidence = Evidence("shop", 1, "", "tests", "unit", False, "12 tests, 1 failed", 2.5)
        ledger.add_evidence(evidence)
        assert ledger.evidence("shop", 1) == [evidence]
