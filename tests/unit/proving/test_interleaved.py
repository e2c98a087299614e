"""Two releases at once: in whose turn what failed, and whether it passes alone."""

from __future__ import annotations

from shipway.domain import proof as words
from shipway.domain.plan import Scenario
from shipway.domain.proof import CompatibilityTest, Stage
from shipway.domain.server_log import Mismatch, ServerLog
from shipway.proving.interleaved import NEW, OLD, Failure, Interleaved, _by_side, in_turn, judge_together

ADD, FIND, TIDY = (
    Scenario(name, "web", name, kind) for name, kind in (("add", "write"), ("find", "read"), ("tidy", "job"))
)
NUMBERS = {OLD: "release 1", NEW: "release 2"}
ALONE = CompatibilityTest(
    words.SAFE,
    stages=(Stage("old code, start", 0, 1, "succeeded"), Stage("old code, read find", 0, 1, "succeeded"),
            Stage("new code, job tidy", 0, 1, "failed")),
)  # fmt: skip


def test_scenarios_take_turns() -> None:
    assert list(in_turn([ADD, FIND], [TIDY])) == [(OLD, ADD), (NEW, TIDY), (OLD, FIND)]
    assert list(in_turn([], [TIDY])) == [(NEW, TIDY)]


def test_what_failed_names_both_sides_and_whether_it_passes_alone() -> None:
    found = Interleaved(
        [Failure(OLD, FIND, "read find exited with 1", "job tidy"), Failure(NEW, TIDY, "job tidy exited with 2", "")],
        [(OLD, ADD)],
    )
    log = {OLD: ["the database reported 42703"], NEW: []}
    judged = judge_together(found, NUMBERS, ALONE, log)
    assert judged.verdict == words.UNSAFE
    assert judged.reasons == (
        "release 1 fails after release 2 ran job tidy: read find exited with 1; alone it passed",
        "release 2 fails: job tidy exited with 2; it does not pass alone either",
        "release 1: the database reported 42703",
    )
    assert judged.checks == ("release 1, write: add",)


def test_both_must_have_written() -> None:
    judged = judge_together(Interleaved(passed=[(OLD, ADD), (NEW, FIND)]), NUMBERS, ALONE, {})
    assert (judged.verdict, judged.reasons) == (words.NO_EVIDENCE, ("unknown: no scenario of release 2 writes",))
    assert judge_together(Interleaved(passed=[(OLD, ADD), (NEW, TIDY)]), NUMBERS, ALONE, {}).verdict == words.SAFE


def test_a_release_that_does_not_start_beside_the_other_is_unsafe() -> None:
    judged = judge_together(Interleaved(broken="the old code does not start"), NUMBERS, ALONE, {})
    assert (judged.verdict, judged.reasons) == (words.UNSAFE, ("the old code does not start",))


def test_errors_of_the_server_belong_to_the_network_of_their_client() -> None:
    errors = [Mismatch("42703", text, client=client) for text, client in (("one", "10.0.1.9"), ("two", "10.0.2.9"))]
    addresses = {"database": "10.0.0.2", "both-old": "10.0.1.2", "both-new": "10.0.2.2"}
    found = _by_side(ServerLog(mismatches=tuple(errors)), {OLD: "both-old", NEW: "both-new"}, addresses)
    assert {who: [item.text for item in log.mismatches] for who, log in found.items()} == {OLD: ["one"], NEW: ["two"]}
