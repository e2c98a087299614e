"""The conformance suite of single tests."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain.release import Trigger
from shipway.domain.single_test import FAILED, FLAKY, PASSED, SKIPPED, SingleTest, SingleTestTrend, StepTest
from shipway.ports import Ledger
from shipway.store import tests

PUSH = Trigger("push", "refs/heads/main", "ada@example.org")
ONE = SingleTest("test_ünits", "tests.Units", "tests/units.py", PASSED, 0.25)
TWO = SingleTest("test_price", "", "", FAILED, 1.5, "1 != 2", "a trace\nof two lines")
THREE = SingleTest("test_later", "", "", SKIPPED, 0.0, "not on this machine")


class SingleTestSuite:
    """Tests come back by run; figures are counted over runs."""

    def test_tests_come_back_as_they_were_added(self, ledger: Ledger) -> None:
        run = _run(ledger)
        assert ledger.tests(run) == []
        ledger.add_tests(run, "unit", 0, [TWO, ONE])
        ledger.add_tests(run, "unit", 1, [ONE, THREE])
        ledger.add_tests(run, "unit", 0, [TWO])  # again, by who resumes the run
        ledger.add_tests(run, "lint", 0, [])
        assert ledger.tests(run) == [StepTest("unit", 0, TWO), StepTest("unit", 1, ONE), StepTest("unit", 1, THREE)]
        ledger.add_tests(run + 100, "unit", 0, [ONE])  # no such run
        assert ledger.tests(run + 100) == []

    def test_a_run_has_a_bound(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tests, "MOST", 3)
        run = _run(ledger)
        ledger.add_tests(run, "unit", 0, [ONE, TWO])
        ledger.add_tests(run, "unit", 1, [ONE, TWO])
        ledger.add_tests(run, "unit", 2, [ONE, TWO])
        assert len(ledger.tests(run)) == 3

    def test_those_of_old_runs_are_forgotten(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tests, "RUNS", 2)
        other = ledger.begin_run("other", "a" * 40, "t", PUSH, 1.0)
        ledger.add_tests(other, "unit", 0, [ONE])
        runs = [_run(ledger) for _ in range(3)]
        for run in runs:
            ledger.add_tests(run, "unit", 0, [ONE])
        assert [len(ledger.tests(run)) for run in (other, *runs)] == [1, 0, 1, 1]

    def test_many_are_added_at_once(self, ledger: Ledger) -> None:
        run = _run(ledger)
        many = [dataclasses.replace(ONE, name=f"test_{number}") for number in range(2 * tests.AT_ONCE + 1)]
        ledger.add_tests(run, "unit", 0, many)
        assert [item.test for item in ledger.tests(run)] == many

    def test_what_failed_and_passed_with_the_same_files_is_unstable(self, ledger: Ledger) -> None:
        good = dataclasses.replace(TWO, outcome=PASSED)
        both = dataclasses.replace(ONE, name="test_retried", outcome=FLAKY)
        for tree, found in (("t1", [TWO, ONE, both]), ("t1", [good, ONE]), ("t2", [TWO]), ("t3", [good])):
            ledger.add_tests(_run(ledger, tree), "unit", 0, found)
        ledger.add_tests(_run(ledger, "t2"), "other", 0, [good])
        assert ledger.unstable_tests("shop", "t1") == [
            ("unit", "", "", "test_price"), ("unit", "tests/units.py", "tests.Units", "test_retried"),
        ]  # fmt: skip
        assert ledger.unstable_tests("shop", "t2") == []
        assert ledger.unstable_tests("other", "t1") == []
        assert ledger.failed_tests("shop", "t2", "unit") == [("", "", "test_price")]
        assert ledger.failed_tests("shop", "t2", "other") == []

    def test_the_slowest_and_the_flakiest(self, ledger: Ledger) -> None:
        good = dataclasses.replace(TWO, outcome=PASSED, seconds=3.0)
        ledger.add_tests(_run(ledger, "t0", 10.0), "unit", 0, [dataclasses.replace(ONE, seconds=100.0)])
        for tree, attempt, found in (
            ("t1", 0, [TWO, ONE]),
            ("t1", 1, [good, ONE]),
            ("t2", 0, [TWO]),
            ("t2", 1, [good]),
        ):
            ledger.add_tests(_run(ledger, tree, 20.0), "unit", attempt, found)
        slow = SingleTestTrend("unit", "test_price", "", "", 2, 0, 3.0, 0)
        fast = SingleTestTrend("unit", ONE.name, ONE.suite, ONE.file, 2, 0, 0.25, 0)
        assert ledger.slow_tests("shop", 20.0, 10) == [slow, fast]
        assert ledger.slow_tests("shop", 20.0, 1) == [slow]
        assert ledger.slow_tests("shop", 0.0, 1)[0].mean == pytest.approx((100 + 0.25 + 0.25) / 3)
        assert ledger.flaky_tests("shop", 20.0, 10) == [SingleTestTrend("unit", "test_price", "", "", 2, 2, 3.0, 2)]
        assert ledger.flaky_tests("shop", 21.0, 10) == []
        assert ledger.flaky_tests("other", 0.0, 10) == []


def _run(ledger: Ledger, tree: str = "t", started: float = 1.0) -> int:
    return ledger.begin_run("shop", "a" * 40, tree, PUSH, started)
