"""The conformance suite of a ledger's identity, properties and adopted objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shipway.domain.ownership import Adoption
from shipway.domain.release import Trigger
from shipway.ports import Ledger, OwnershipLedger
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE


class OwnershipSuite:
    """What identifies a ledger, and what belongs to it."""

    def test_its_identity_is_made_once(self, ledger: OwnershipLedger, again: Callable[[], OwnershipLedger]) -> None:
        ledgers = [ledger, *(again() for _ in range(3))]
        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(lambda item: item.identity(), ledgers))
        assert len(found) == 1
        (identity,) = found
        assert len(identity) == 32
        assert int(identity, 16) >= 0
        assert again().identity() == identity

    def test_the_first_value_of_a_property_wins_until_it_is_replaced(
        self, ledger: OwnershipLedger, again: Callable[[], OwnershipLedger]
    ) -> None:
        assert ledger.property("machine") is None
        assert ledger.set_once("machine", "a") == "a"
        assert again().set_once("machine", "b") == "a"
        ledger.replace_property("machine", "b")
        assert again().property("machine") == "b"

    def test_since_when(self, ledger: Ledger) -> None:
        assert ledger.deployed_since("shop", "staging") is None
        ledger.add_release(RELEASE)
        for at, kind in ((5.0, "destroy"), (10.0, "deploy"), (20.0, "deploy")):
            ledger.begin_deployment(dataclasses.replace(DEPLOYMENT, started=at, kind=kind))
        assert ledger.deployed_since("shop", "staging") == ledger.deployed_since("shop", "staging", 1) == 10.0
        assert ledger.deployed_since("shop", "staging", 2) is ledger.deployed_since("shop", "production") is None
        run = ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), 7.0)
        assert (ledger.run_since("shop", run), ledger.run_since("other", run), ledger.run_since("shop", run + 1)) == (
            7.0,
            None,
            None,
        )

    def test_adoptions(self, ledger: OwnershipLedger, again: Callable[[], OwnershipLedger]) -> None:
        item = Adoption("local", "container", "id", "shop_web", "", "ada", 1.0)
        ledger.add_adoptions([item, dataclasses.replace(item, kind="volume", id="v")])
        again().add_adoptions([dataclasses.replace(item, actor="eve")])
        assert ledger.adopted("local") == {("container", "id"), ("volume", "v")}
        assert ledger.adopted("ssh://b") == set()
