"""A controller that is killed before and after each of its effects, whose reader disconnects at each of its reports, or whose
ledger fails once at each call, with in-memory drivers: the number of faults that are not survived."""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.measure import Row
from tests.unit.actions.test_fault_points import fail_everywhere
from tests.unit.actions.test_kill_points import ENVIRONMENTS, STORIES, Story, kill_everywhere


def rows() -> list[Row]:
    """First and further deployments, rollbacks and failures, by every strategy and on two hosts."""
    with ProcessPoolExecutor() as pool:  # no times are measured here
        counted = list(
            pool.map(_survived, *zip(*((name, story) for name in ENVIRONMENTS for story in STORIES), strict=True))
        )
    died, faults = (sum(item[index] for item in counted) for index in (0, 1))
    problems = [problem for item in counted for problem in item[2]]
    for problem in problems:
        print(f"kills: {problem}")
    return [
        Row(
            f"kill points, before and after each effect of {len(STORIES)} commands in {len(ENVIRONMENTS)} kinds of environment",
            died,
            "deaths",
        ),
        Row("fault points, before and after each report and each call of the ledger in the same", faults, "faults"),
        Row("kill and fault points that were not survived", len(problems), "points", 0),
    ]


def _survived(name: str, story: Story) -> tuple[int, int, list[str]]:
    """Deaths, faults, and those that were not survived."""
    environment = ENVIRONMENTS[name]
    with tempfile.TemporaryDirectory() as folder:
        died, problems = kill_everywhere(story, environment, Path(folder) / "kills")
        faults = 0
        for kind in ("reporter", "ledger"):
            found, failed = fail_everywhere(kind, story, environment, Path(folder) / kind)
            faults, problems = faults + found, problems + failed
    return died, faults, problems
