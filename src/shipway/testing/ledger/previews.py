"""The conformance suite of previews of pull requests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from shipway.domain.preview import CLOSED, OPEN, Preview
from shipway.ports import PreviewLedger

TWELVE = Preview("shop", 12, "feature", "a" * 40, OPEN, "ada@example.com", 0.0)


class PreviewSuite:
    """A newer wish fences what was done for an older one."""

    def test_previews(self, ledger: PreviewLedger) -> None:
        assert ledger.previews() == []
        first = ledger.want_preview(TWELVE)
        ledger.want_preview(dataclasses.replace(TWELVE, number=3))
        ledger.want_preview(dataclasses.replace(TWELVE, app="pets"))
        assert first == dataclasses.replace(TWELVE, asked=first.asked, seq=1)
        assert first.asked > 0
        assert [(item.app, item.number) for item in ledger.previews()] == [("pets", 12), ("shop", 3), ("shop", 12)]
        assert ledger.previews("shop")[1] == first
        assert ledger.forget_preview(first)
        assert not ledger.forget_preview(first)
        assert [item.number for item in ledger.previews("shop")] == [3]

    def test_what_was_done(self, ledger: PreviewLedger) -> None:
        first = ledger.want_preview(TWELVE)
        done = dataclasses.replace(
            first, done="a" * 40, release=4, problem="it failed", ends=7.5, sleep=5.5, used=6.5, requests=9, asleep=True
        )
        assert ledger.record_preview(done)
        assert ledger.previews() == [done]
        ledger.see_preview(first, 8.5)
        assert ledger.previews() == [done]
        ledger.see_preview(done, 8.5)
        assert ledger.previews() == [dataclasses.replace(done, used=8.5)]

    def test_a_newer_wish(self, ledger: PreviewLedger, again: Callable[[], PreviewLedger]) -> None:
        first = ledger.want_preview(TWELVE)
        assert ledger.record_preview(dataclasses.replace(first, done="a" * 40, problem="it failed", ends=7.5))
        newer = again().want_preview(
            dataclasses.replace(TWELVE, branch="", head="b" * 40, actor="bob", reason="pushed")
        )
        assert (newer.seq, newer.branch, newer.head, newer.done) == (2, "feature", "b" * 40, "a" * 40)
        assert (newer.problem, newer.ends, newer.actor, newer.reason) == ("", 7.5, "bob", "pushed")
        assert not ledger.record_preview(dataclasses.replace(first, done="c" * 40))
        assert not ledger.forget_preview(first)
        assert ledger.record_preview(dataclasses.replace(newer, done="b" * 40, problem="it failed"))
        same = ledger.want_preview(newer)
        assert (same.done, same.problem) == ("b" * 40, "it failed")
        closed = ledger.want_preview(dataclasses.replace(newer, wanted=CLOSED))
        assert closed.done == ""
        assert ledger.previews() == [closed]
        assert ledger.forget_preview(closed)
