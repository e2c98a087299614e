"""Tests of a run over all attempts: failures first, and what is flaky."""

from __future__ import annotations

from dataclasses import replace

from shipway.domain.single_test import FAILED, FLAKY, PASSED, SKIPPED, RunTest, SingleTest, StepTest, numbers, of_run

GOOD = SingleTest("a", "", "", PASSED, 1.0)
BAD = replace(GOOD, outcome=FAILED, message="m", output="o")


def test_failures_come_first_and_then_the_slowest() -> None:
    tests = (
        replace(GOOD, name="skipped", outcome=SKIPPED),
        replace(GOOD, name="fast", seconds=0.1),
        replace(GOOD, name="slow", seconds=9.0),
        replace(BAD, name="bad"),
        replace(GOOD, name="twice", outcome=FLAKY),
    )
    found = of_run([StepTest("unit", 0, test) for test in tests], [])
    assert [item.name for item in found] == ["bad", "twice", "slow", "fast", "skipped"]
    assert numbers(found) == {FAILED: 1, FLAKY: 1, PASSED: 2, SKIPPED: 1}


def test_the_last_attempt_counts_and_one_that_did_both_is_flaky() -> None:
    other = replace(GOOD, name="b")
    found = of_run(
        [StepTest("unit", 1, GOOD), StepTest("unit", 0, BAD), StepTest("unit", 0, other), StepTest("lint", 0, GOOD)], []
    )
    assert found == [
        RunTest("unit", "a", "", "", FLAKY, 1.0, 2, "m", "o"),
        RunTest("lint", "a", "", "", PASSED, 1.0, 1, "", ""),
        RunTest("unit", "b", "", "", PASSED, 1.0, 1, "", ""),
    ]
    again = of_run([StepTest("unit", 0, BAD), StepTest("unit", 1, BAD)], [])
    assert [(item.outcome, item.attempts) for item in again] == [(FAILED, 2)]


def test_what_passed_in_another_run_of_the_same_files_is_flaky() -> None:
    (found,) = of_run([StepTest("unit", 0, BAD)], [("unit", "", "", "a")])
    assert (found.outcome, found.message) == (FLAKY, "m")
