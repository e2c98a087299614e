"""An environment with jobs on a schedule, and the clock that they are due by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.schedules.tick import tick
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.scheduled_run import ScheduledRun
from shipway.domain.tasks import Schedule
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.world import World

JOB = Schedule("digest", "backend", "send digest", "*/10 * * * *", timeout=300.0)
NOON = 1_800_000_000.0  # a time that `at` matches
STEP = 600.0


def place(**more: Any) -> Environment:
    return dataclasses.replace(samples.STAGING, schedules={"digest": dataclasses.replace(JOB, **more)})


class Clock:
    """A world with a deployed schedule, at a time of our choice."""

    def __init__(self, folder: Path, environment: Environment, **hosts: Any) -> None:
        self.world = World(folder, **hosts)
        self.environment = environment
        self.to(NOON - STEP + 1)
        self.release = self.deploy(1)

    def deploy(self, number: int, environment: Environment | None = None) -> Release:
        release = self.world.release(number, environment=environment or self.environment)
        deploy(self.world.controller(), DeployRequest(release, environment or self.environment))
        self.world.notes.clear()
        return release

    def to(self, at: float) -> None:
        self.world.now = at

    def tick(self, at: float | None = None, **controller: Any) -> list[ScheduledRun]:
        """What has finally failed."""
        if at is not None:
            self.to(at)
        return tick(self.world.controller(**controller))

    @property
    def runs(self) -> list[ScheduledRun]:
        """Oldest first."""
        return self.world.ledger.scheduled_runs("shop", "staging", "digest")[::-1]

    @property
    def outcomes(self) -> list[str]:
        return [run.outcome for run in self.runs]

    @property
    def containers(self) -> list[str]:
        return sorted(name for name in self.world.runtime.containers if "_schedule_" in name)

    def started(self) -> list[str]:
        """Names of the job's containers that ran, ever."""
        calls = (call.split() for call in self.world.runtime.calls)
        return [words[1] for words in calls if words[0] == "start" and "_schedule_" in words[1]]

    def behave(self, *lines: str, code: int | None = 0) -> None:
        self.world.runtime.behave("*_schedule_*", Behaviour(lines, exit_code=code))

    def end(self, code: int = 0) -> None:
        """Let the running ones exit."""
        for name in self.containers:
            item = self.world.runtime.containers[name]
            if item.info.running:
                item.info = dataclasses.replace(item.info, state="exited", exit_code=code)


Make = Callable[..., Clock]


@pytest.fixture
def clock(tmp_path: Path) -> Make:
    return lambda **more: Clock(tmp_path / "world", place(**more))
