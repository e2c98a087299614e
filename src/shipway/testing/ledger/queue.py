"""The conformance suite of the queue."""

from __future__ import annotations

import dataclasses
import threading

from shipway.domain.queue import SUPERSEDED, ZEROS, Push
from shipway.domain.release import FAILED, SUCCEEDED
from shipway.ports import QueueLedger

HERE = ("here", "")


def pushed(key: str, ref: str = "refs/heads/staging", place: str = "here") -> Push:
    """A push of a ref."""
    return Push(key, "/shop.git", place, ref, ZEROS, key[0] * 40, "ada@example.com", "git push", "", 0.0)


class QueueSuite:
    """Each push is worked on once at a time, in order, and none is lost."""

    def test_one_is_claimed_renewed_and_ended(self, ledger: QueueLedger) -> None:
        assert ledger.claim_push("w", HERE, 60) is None
        added = ledger.enqueue(pushed("a"))
        assert (added.id > 0, added.token, added.ended) == (True, 0, None)
        claimed = ledger.claim_push("w", HERE, 60)
        assert claimed is not None
        assert (claimed.id, claimed.token, claimed.worker) == (added.id, 1, "w")
        assert claimed.until > claimed.queued
        assert ledger.claim_push("v", HERE, 60) is None
        assert ledger.renew_push(claimed, 90)
        assert ledger.pushes(open=True)[0].until > claimed.until
        assert ledger.end_push(claimed, SUCCEEDED, "fine")
        assert not ledger.end_push(claimed, FAILED)
        assert not ledger.renew_push(claimed, 60)
        found = ledger.push(added.id)
        assert found is not None
        assert (found.outcome, found.note, ledger.pushes(open=True)) == (SUCCEEDED, "fine", [])

    def test_the_same_delivery_again_changes_nothing(self, ledger: QueueLedger) -> None:
        added = ledger.enqueue(pushed("a"))
        assert ledger.enqueue(dataclasses.replace(pushed("a"), ref="refs/heads/other")) == added
        assert ledger.pushes() == [added]

    def test_a_claim_that_is_over_is_taken_up_and_fences_the_first(self, ledger: QueueLedger) -> None:
        ledger.enqueue(pushed("a"))
        first = ledger.claim_push("w", HERE, -1)
        assert first is not None
        second = ledger.claim_push("v", HERE, 60)
        assert second is not None
        assert (second.id, second.token, second.started) == (first.id, 2, first.started)
        assert not ledger.renew_push(first, 60)
        assert not ledger.end_push(first, SUCCEEDED)
        assert ledger.end_push(second, SUCCEEDED)

    def test_who_was_only_slow_goes_on(self, ledger: QueueLedger) -> None:
        ledger.enqueue(pushed("a"))
        slow = ledger.claim_push("w", HERE, -1)
        assert slow is not None
        assert ledger.renew_push(slow, 60)
        assert ledger.claim_push("v", HERE, 60) is None

    def test_a_lane_goes_in_order_and_lanes_side_by_side(self, ledger: QueueLedger) -> None:
        for key, ref in (("a", "refs/tags/v1"), ("b", "refs/tags/v2"), ("c", "refs/heads/main")):
            ledger.enqueue(pushed(key, ref))
        first, other = ledger.claim_push("w", HERE, 60), ledger.claim_push("w", HERE, 60)
        assert first is not None
        assert other is not None
        assert (first.key, other.key) == ("a", "c")
        assert ledger.claim_push("w", HERE, 60) is None
        ledger.end_push(first, FAILED)
        second = ledger.claim_push("w", HERE, 60)
        assert second is not None
        assert second.key == "b"

    def test_a_newer_push_of_a_branch_supersedes_those_that_wait(self, ledger: QueueLedger) -> None:
        ledger.enqueue(pushed("a"))
        working = ledger.claim_push("w", HERE, 60)
        assert working is not None
        waiting = ledger.enqueue(pushed("b"))
        newest = ledger.enqueue(pushed("c"))
        assert [item.key for item in ledger.pushes(open=True)] == ["a", "c"]  # claimed ones first
        found = ledger.push(waiting.id)
        assert found is not None
        assert (found.outcome, found.note) == (SUPERSEDED, f"superseded by push {newest.id}")
        assert found.ended is not None

    def test_tags_supersede_nothing(self, ledger: QueueLedger) -> None:
        for key in "ab":
            ledger.enqueue(pushed(key, f"refs/tags/{key}"))
        assert len(ledger.pushes(open=True)) == 2

    def test_a_repository_is_only_at_its_place(self, ledger: QueueLedger) -> None:
        ledger.enqueue(pushed("a", place="elsewhere"))
        assert ledger.claim_push("w", HERE, 60) is None
        ledger.enqueue(pushed("b", "refs/heads/main", place=""))
        assert ledger.claim_push("w", HERE, 60) is not None
        assert ledger.claim_push("w", ("elsewhere",), 60) is not None

    def test_many_claim_at_once_and_each_gets_another(self, ledger: QueueLedger) -> None:
        for number in range(8):
            ledger.enqueue(pushed(f"{number}", f"refs/heads/b{number}"))
        found: list[Push | None] = []

        def claim() -> None:
            while push := ledger.claim_push("w", HERE, 60):
                found.append(push)

        threads = [threading.Thread(target=claim) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(push.key for push in found if push) == [str(number) for number in range(8)]

    def test_old_ones_are_forgotten_but_none_that_is_open(self, ledger: QueueLedger) -> None:
        for key in "ab":
            ledger.enqueue(pushed(key, f"refs/heads/{key}"))
        claimed = ledger.claim_push("w", HERE, 60)
        assert claimed is not None
        ledger.end_push(claimed, SUCCEEDED)
        assert ledger.forget_pushes(claimed.queued - 1) == 0
        assert ledger.forget_pushes(claimed.queued + 3600) == 1
        assert [item.key for item in ledger.pushes()] == ["b"]
