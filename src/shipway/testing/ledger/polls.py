"""The conformance suite of repositories that are asked for new commits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from shipway.domain.poll import Poll
from shipway.ports import PollLedger

SHOP = Poll("shop", "https://git.example/acme/shop.git", 3600.0, "ada@example.com", 5.5)
MAIN = {"refs/heads/main": "a" * 40}


class PollSuite:
    """They are added once, and each look is for one process."""

    def test_polls(self, ledger: PollLedger) -> None:
        other = dataclasses.replace(SHOP, name="another", refs=MAIN, seq=7)
        assert ledger.polls() == []
        assert ledger.add_poll(SHOP)
        assert ledger.add_poll(other)
        assert not ledger.add_poll(dataclasses.replace(SHOP, address="elsewhere"))
        assert ledger.polls() == [other, SHOP]
        assert ledger.remove_poll("another")
        assert not ledger.remove_poll("another")
        assert ledger.polls() == [SHOP]

    def test_a_look_is_claimed_once(self, ledger: PollLedger, again: Callable[[], PollLedger]) -> None:
        ledger.add_poll(SHOP)
        claimed = ledger.claim_poll("shop")
        assert claimed is not None
        assert claimed.asked > 0
        assert again().claim_poll("shop") is None
        assert ledger.claim_poll("missing") is None

    def test_what_was_seen_first_counts(self, ledger: PollLedger) -> None:
        ledger.add_poll(dataclasses.replace(SHOP, every=0.0))
        first, second = ledger.claim_poll("shop"), ledger.claim_poll("shop")
        assert first is not None
        assert second is not None
        ledger.fail_poll("shop", "it is away")
        assert ledger.polls()[0].problem == "it is away"
        assert ledger.record_poll(second, MAIN)
        assert not ledger.record_poll(first, {})
        [found] = ledger.polls()
        assert (found.refs, found.seq, found.problem) == (MAIN, 1, "")
