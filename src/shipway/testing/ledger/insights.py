"""The conformance suite of figures about many deployments and runs."""

from __future__ import annotations

import dataclasses

from shipway.domain.insights import WEEK, Spread, StepWeek
from shipway.domain.release import DEPLOY, FAILED, ROLLBACK, SUCCEEDED, Trigger
from shipway.ports import Ledger
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE

PUSH = Trigger("push", "refs/heads/main", "ada@example.org")
START = 1000.5  # of the period


class InsightSuite:
    """Figures of known deployments and runs."""

    def test_deployments_are_counted_by_week(self, ledger: Ledger) -> None:
        _deployed(ledger, START - 1)
        _deployed(ledger, START)
        _deployed(ledger, START + WEEK - 2)
        _deployed(ledger, START + WEEK + 2, outcome=FAILED)
        _deployed(ledger, START + WEEK + 3, outcome="cancelled")
        _deployed(ledger, START + WEEK + 4, kind=ROLLBACK)
        _deployed(ledger, START + WEEK + 5, environment="production")
        assert ledger.deployment_weeks("shop", "staging", START) == {0: (2, 0), 1: (0, 1)}
        assert ledger.deployment_weeks("shop", "demo", START) == {}

    def test_lead_time_is_from_the_first_run_of_a_tree_to_its_first_deployment(self, ledger: Ledger) -> None:
        assert ledger.lead_times("shop", "staging", 0.0) == Spread()
        for number, seconds in enumerate((30.0, 10.0, 20.0, 400.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0), 1):
            tree = f"tree-{number}"
            ledger.begin_run("shop", "a" * 40, tree, PUSH, START)
            ledger.begin_run("shop", "b" * 40, tree, PUSH, START + 5)  # again, such as on main
            made = ledger.add_release(dataclasses.replace(RELEASE, tree=tree))
            _deployed(ledger, START + seconds / 2, release=made.number, outcome=FAILED)
            _deployed(ledger, START + seconds, release=made.number)
            _deployed(ledger, START + 5000, release=made.number)  # again, such as after a rollback
        unknown = ledger.add_release(dataclasses.replace(RELEASE, tree="nowhere"))
        _deployed(ledger, START + 1, release=unknown.number)
        assert ledger.lead_times("shop", "staging", START) == Spread(10, 60.0, 100.0)
        assert ledger.lead_times("shop", "staging", START + 99) == Spread(2, 100.0, 400.0)
        assert ledger.lead_times("shop", "production", START) == Spread()

    def test_restoring_is_from_a_deployment_to_the_rollback_that_follows(self, ledger: Ledger) -> None:
        _deployed(ledger, START)
        _deployed(ledger, START + 100)
        _deployed(ledger, START + 150, outcome=FAILED)  # which gave way to the one before
        _deployed(ledger, START + 160, kind=ROLLBACK, outcome=FAILED)
        _deployed(ledger, START + 200, kind=ROLLBACK)
        _deployed(ledger, START + 300, kind=ROLLBACK)  # further back: of the same failure
        _deployed(ledger, START + 400)
        _deployed(ledger, START + 450, kind="restart")
        _deployed(ledger, START + 700, kind=ROLLBACK)
        assert ledger.restore_times("shop", "staging", START) == Spread(2, 100.0, 300.0)
        assert ledger.restore_times("shop", "staging", START + 250) == Spread(1, 300.0, 300.0)
        assert ledger.restore_times("shop", "staging", START + 701) == Spread()

    def test_steps_are_counted_by_name_and_week(self, ledger: Ledger) -> None:
        _step(ledger, "test", "k1", START - 10, 5.0)
        _step(ledger, "test", "k1", START, 10.0)
        _step(ledger, "test", "k2", START + 10, 20.0)
        _step(ledger, "test", "k3", START + WEEK + 10, 1.0, FAILED)
        _step(ledger, "build", "k1", START + WEEK + 10, 4.0)
        _step(ledger, "build", "k2", START + WEEK + 20, 0.0, "skipped")
        found = sorted(ledger.step_weeks("shop", START, 2), key=lambda item: (item.name, item.week))
        assert found == [
            StepWeek("build", 1, 1, 4.0, 0),
            StepWeek("test", 0, 2, 30.0, 0),
            StepWeek("test", 1, 0, 0.0, 1),
        ]
        assert ledger.step_weeks("other", START, 2) == []

    def test_a_step_is_flaky_if_the_same_inputs_failed_and_passed(self, ledger: Ledger) -> None:
        for key, outcome in (
            ("k1", FAILED),
            ("k1", FAILED),
            ("k1", SUCCEEDED),
            ("k2", FAILED),
            ("k3", SUCCEEDED),
            ("k4", FAILED),
            ("k4", SUCCEEDED),
        ):
            _step(ledger, "test", key, START, 1.0, outcome)
        _step(ledger, "build", "k2", START, 1.0, FAILED)
        _step(ledger, "build", "k1", START, 1.0)
        assert ledger.flaky_steps("shop", START) == {"test": 2}
        assert ledger.flaky_steps("shop", START + 1) == {}


def _deployed(
    ledger: Ledger, finished: float, *, kind: str = DEPLOY, outcome: str = SUCCEEDED, release: int = 1, environment: str = "staging"
) -> None:  # fmt: skip
    if ledger.release("shop", release) is None:
        ledger.add_release(RELEASE)
    item = dataclasses.replace(
        DEPLOYMENT, app="shop", environment=environment, kind=kind, release=release, started=finished - 1
    )
    ledger.end_deployment(ledger.begin_deployment(item), outcome, finished, None, "")


def _step(ledger: Ledger, name: str, key: str, started: float, seconds: float, outcome: str = SUCCEEDED) -> None:
    run = ledger.begin_run("shop", "a" * 40, "t", PUSH, started)
    ledger.begin_step(run, name, key, started)
    ledger.end_step(run, name, outcome, started + seconds)
