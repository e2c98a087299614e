"""A controller that dies before and after each of its effects, on drivers in memory: how many deaths are survived."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import Row
from tests.unit.actions.test_kill_points import ENVIRONMENTS, STORIES, kill_everywhere


def rows() -> list[Row]:
    """First and further deployments, rollbacks and failures, by every strategy and on two hosts."""
    died, problems = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for name, environment in ENVIRONMENTS.items():
            for story in STORIES:
                found, failed = kill_everywhere(story, environment, Path(folder) / f"{name}-{story.__name__}")
                died, problems = died + found, problems + failed
    for problem in problems:
        print(f"kills: {problem}")
    return [
        Row(f"kill points, before and after each effect of {len(STORIES)} commands in {len(ENVIRONMENTS)} kinds of environment", died, "deaths"),
        Row("kill points that were not survived", len(problems), "deaths", 0),
    ]
