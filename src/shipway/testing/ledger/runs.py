"""The conformance suite of runs and their steps."""

from __future__ import annotations

import json
from collections.abc import Callable

from shipway.domain.release import CANCELLED, FAILED, PENDING, SUCCEEDED, Trigger
from shipway.domain.run import Artifact, RunRecord, StepRecord, StepResult
from shipway.domain.totals import Total
from shipway.ports import Ledger, RunLedger

TRIGGER = Trigger("push", "refs/heads/main", "ada")
RESULT = StepResult((Artifact("web", "dist", "sha256:1", ("pipe",)),), {"web": "r/web@sha256:2"}, "3 tests")


class RunSuite:
    """Runs, and the journal of their steps."""

    def test_runs_are_counted_by_their_outcome(self, ledger: Ledger) -> None:
        assert ledger.run_totals() == []
        for app, outcome in (("shop", FAILED), ("shop", SUCCEEDED), ("shop", SUCCEEDED), ("blog", "")):
            run = ledger.begin_run(app, "a" * 40, "tree", TRIGGER, 1.0)
            if outcome:
                ledger.end_run(run, outcome, 3.5)
        assert ledger.run_totals() == [
            Total("blog", "", "push", PENDING, 1, 0.0), Total("shop", "", "push", FAILED, 1, 2.5),
            Total("shop", "", "push", SUCCEEDED, 2, 5.0),
        ]  # fmt: skip

    def test_the_journal_of_steps(self, ledger: Ledger) -> None:
        run = ledger.begin_run("shop", "a" * 40, "tree", TRIGGER, 1.0)
        ledger.begin_step(run, "lint", "key-1", 2.0)
        assert ledger.passed_step("shop", "lint", "key-1") is None
        ledger.end_step(run, "lint", SUCCEEDED, 3.0, RESULT)
        ledger.begin_step(run, "unit", "key-2", 2.5)
        ledger.end_step(run, "unit", FAILED, 3.0, StepResult(), "exit code 1")
        ledger.begin_step(run, "use", "key-3", 4.0)
        ledger.end_run(run, FAILED, 4.0)
        assert ledger.passed_step("shop", "lint", "key-1") == RESULT
        assert ledger.passed_step("shop", "unit", "key-2") is None
        assert ledger.passed_step("other", "lint", "key-1") is None
        assert ledger.steps(run) == [
            StepRecord("lint", "key-1", 2.0, 3.0, SUCCEEDED, RESULT, ""),
            StepRecord("unit", "key-2", 2.5, 3.0, FAILED, StepResult(), "exit code 1"),
            StepRecord("use", "key-3", 4.0, None, PENDING, StepResult(), ""),
        ]
        assert ledger.runs("shop", 5) == [RunRecord(run, "shop", "a" * 40, "tree", TRIGGER, 1.0, 4.0, FAILED)]
        assert ledger.apps() == ["shop"]
        assert ledger.run("shop", ledger.runs("shop", 1)[0].number) == ledger.runs("shop", 1)[0]
        assert ledger.run("blog", ledger.runs("shop", 1)[0].number) is None

    def test_runs_that_have_not_ended_are_found_behind_any_number_of_others(self, ledger: RunLedger) -> None:
        runs = [ledger.begin_run("shop", "a" * 40, "tree", TRIGGER, 1.0) for _ in range(70)]
        for run in runs[1:]:
            ledger.begin_step(run, "unit", "key", 1.0)
            ledger.end_step(run, "unit", SUCCEEDED, 2.0, StepResult(tests=str(run)))
            ledger.end_run(run, SUCCEEDED, 2.0)
        assert [item.number for item in ledger.pending_runs("shop")] == runs[:1]
        assert {item.tests for item in ledger.recent_steps("shop", 3)} == {str(run) for run in runs[-3:]}

    def test_results_are_stored_as_json(self, ledger: RunLedger, execute: Callable[[str], list[tuple[str]]]) -> None:
        run = ledger.begin_run("shop", "a" * 40, "tree", TRIGGER, 1.0)
        for name in ("a", "b", "c", "old"):
            ledger.begin_step(run, name, "key", 2.0)
        ledger.end_step(run, "a", SUCCEEDED, 3.0, RESULT)
        ledger.end_step(run, "b", FAILED, 3.0, StepResult(), "exit code 1")
        ledger.end_step(run, "c", CANCELLED, 3.0)
        stored = execute("SELECT result FROM steps WHERE outcome <> 'pending' ORDER BY name")
        nothing = {"artifacts": [], "images": {}, "tests": "", "image": "", "proof": {}}
        artifact = {"folder": "web", "path": "dist", "digest": "sha256:1", "left_out": ["pipe"]}
        assert [json.loads(text) for (text,) in stored] == [
            {**nothing, "artifacts": [artifact], "images": {"web": "r/web@sha256:2"}, "tests": "3 tests"},
            {**nothing, "failure": "exit code 1"},
            {},
        ]
        execute(
            """UPDATE steps SET outcome = 'failed', result = '{"tests": "1 test", "failure": "f", "newer": 1}' WHERE name = 'old'"""
        )
        assert ledger.steps(run)[-1] == StepRecord("old", "key", 2.0, None, FAILED, StepResult(tests="1 test"), "f")
