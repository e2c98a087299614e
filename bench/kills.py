"""A controller that dies before and after each of its effects, whose reader goes at each of its reports, or whose ledger fails
once at each call, on drivers in memory: how many of these are survived."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import Row
from tests.unit.actions.test_fault_points import fail_everywhere
from tests.unit.actions.test_kill_points import ENVIRONMENTS, STORIES, kill_everywhere


def rows() -> list[Row]:
    """First and further deployments, rollbacks and failures, by every strategy and on two hosts."""
    died, faults, problems = 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        for name, environment in ENVIRONMENTS.items():
            for story in STORIES:
                found, failed = kill_everywhere(story, environment, Path(folder) / f"{name}-{story.__name__}")
                died, problems = died + found, problems + failed
                for kind in ("reporter", "ledger"):
                    found, failed = fail_everywhere(kind, story, environment, Path(folder) / f"{name}-{story.__name__}-{kind}")
                    faults, problems = faults + found, problems + failed
    for problem in problems:
        print(f"kills: {problem}")
    return [
        Row(f"kill points, before and after each effect of {len(STORIES)} commands in {len(ENVIRONMENTS)} kinds of environment", died, "deaths"),
        Row("fault points, before and after each report and each call of the ledger in the same", faults, "faults"),
        Row("kill and fault points that were not survived", len(problems), "points", 0),
    ]
