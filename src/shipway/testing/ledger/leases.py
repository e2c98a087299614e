"""The conformance suite of a ledger's leases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shipway.domain.errors import LeaseHeld
from shipway.ports import LeaseLedger


class LeaseSuite:
    """One lock for many, by the ledger's own clock."""

    def test_one_of_many_gets_a_lease(self, ledger: LeaseLedger, again: Callable[[], LeaseLedger]) -> None:
        ledgers = [ledger, again(), again()]
        start = threading.Barrier(9)

        def take(index: int) -> str:
            start.wait()
            try:
                return ledgers[index % 3].acquire("shop/p", f"owner-{index}", "deploy", 15.0).owner
            except LeaseHeld:
                return ""

        with ThreadPoolExecutor(9) as pool:
            winners = list(filter(None, pool.map(take, range(9))))
        assert len(winners) == 1
        held = ledger.lease("shop/p")
        assert held is not None
        assert held.owner == winners[0]

    def test_a_held_lease_says_who_since_when_and_why(self, ledger: LeaseLedger) -> None:
        lease = ledger.acquire("shop/p", "ada (process 7 on host)", "v1.0.0: first", 15.0)
        since = datetime.fromtimestamp(lease.since, UTC).strftime("%H:%M:%S UTC")
        with pytest.raises(LeaseHeld) as caught:
            ledger.acquire("shop/p", "eve", "other", 15.0)
        assert f"locked by ada (process 7 on host) since {since}: v1.0.0: first" in str(caught.value)

    def test_a_dead_owners_lease_is_taken_over_and_the_dead_is_fenced(self, ledger: LeaseLedger) -> None:
        first = ledger.acquire("shop/p", "ada", "deploy", 0.05)
        time.sleep(0.06)
        second = ledger.acquire("shop/p", "eve", "deploy", 15.0)
        assert second.token > first.token
        with pytest.raises(LeaseHeld):
            ledger.renew(first, 15.0)
        ledger.free(first)
        held = ledger.lease("shop/p")
        assert held is not None
        assert (held.owner, held.expires) == ("eve", second.expires)

    def test_a_renewed_lease_lives_on_and_a_freed_one_is_free(self, ledger: LeaseLedger) -> None:
        lease = ledger.acquire("shop/p", "ada", "deploy", 0.2)
        assert ledger.renew(lease, 15.0).expires > lease.expires + 10.0
        time.sleep(0.21)
        with pytest.raises(LeaseHeld):
            ledger.acquire("shop/p", "eve", "deploy", 15.0)
        ledger.free(lease)
        assert ledger.acquire("shop/p", "eve", "deploy", 15.0).token == lease.token + 1

    def test_leases_go_by_the_ledgers_clock(self, ledger: LeaseLedger, again: Callable[[], LeaseLedger]) -> None:
        before = ledger.now()
        lease = ledger.acquire("shop/p", "ada", "deploy", 15.0)
        assert before <= lease.since <= again().now()
        assert lease.expires - lease.since == pytest.approx(15.0)
