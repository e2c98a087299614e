"""Caches of steps: who shares one, and whose results count where."""

from __future__ import annotations

import dataclasses
import os

import pytest

from shipway.actions.environment.caches import DAY, UNUSED, VARIABLE, removable_caches, remove_cache
from shipway.domain.container import LABEL_RUN
from shipway.domain.disk import DiskUsage
from shipway.domain.errors import StepFailed, UsageError
from shipway.domain.plan import Step, StepImage
from shipway.domain.release import SKIPPED, SUCCEEDED
from shipway.steps.cache import cache_volumes, used_at
from shipway.steps.run import OTHER, PROTECTED, Run, level_of
from shipway.testing.memory import MemoryRuntime
from tests.unit.steps.test_sources import STEP, at, outcome  # noqa: F401

CACHED = dataclasses.replace(STEP, caches=("~/.cache/pip",))
STAGING = level_of("staging", protected=False)


def volumes(run: Run, step: Step = CACHED, image: str = "postgres:15") -> dict[str, str]:
    return cache_volumes(run, step, image, "/src", lambda line: None)


def runtime_of(run: Run) -> MemoryRuntime:
    found = run.ctx.runtime._runtime  # type: ignore[attr-defined]
    assert isinstance(found, MemoryRuntime)
    return found


def test_only_runs_of_one_level_share_a_cache_and_only_steps_with_one_image(at: Run) -> None:  # noqa: F811
    mine = volumes(at)
    assert list(mine.values()) == ["/root/.cache/pip"]
    assert volumes(dataclasses.replace(at, number=2, branch="refs/heads/another")) == mine
    others = [volumes(dataclasses.replace(at, level=level)) for level in (PROTECTED, STAGING)]
    others.append(volumes(at, dataclasses.replace(CACHED, image=StepImage("redis:7"))))
    others.append(volumes(at, dataclasses.replace(CACHED, caches=("/var/cache",))))
    assert len({name for found in (mine, *others) for name in found}) == 5


def test_a_cache_outlives_its_run(at: Run) -> None:  # noqa: F811
    at = dataclasses.replace(at, plan=dataclasses.replace(at.plan, pipeline={"unit": CACHED}))
    assert outcome(at, 1) == SUCCEEDED
    (volume,) = volumes(at)
    runtime = runtime_of(at)
    assert volume in runtime.volumes
    assert LABEL_RUN not in runtime.labels["volume", volume]
    assert not runtime.containers


def test_a_result_of_a_cached_step_counts_for_its_level_and_that_of_the_protected_branch_for_all(at: Run) -> None:  # noqa: F811
    at = dataclasses.replace(at, plan=dataclasses.replace(at.plan, pipeline={"unit": CACHED}))
    levels = {level: dataclasses.replace(at, level=level) for level in (PROTECTED, STAGING, OTHER)}
    assert outcome(levels[OTHER], 1) == SUCCEEDED
    assert outcome(levels[OTHER], 2) == SKIPPED
    assert outcome(levels[STAGING], 3) == SUCCEEDED, "a branch that may have changed the cache of its level"
    assert outcome(levels[PROTECTED], 4) == SUCCEEDED
    changed = dataclasses.replace(CACHED, run="another")
    again = {
        level: dataclasses.replace(run, plan=dataclasses.replace(run.plan, pipeline={"unit": changed}))
        for level, run in levels.items()
    }
    assert outcome(again[PROTECTED], 5) == SUCCEEDED
    assert [outcome(again[level], number) for number, level in enumerate((STAGING, OTHER), 6)] == [SKIPPED, SKIPPED]


def test_without_caches_a_step_is_repeated_and_its_cache_emptied_once(at: Run) -> None:  # noqa: F811
    at = dataclasses.replace(at, plan=dataclasses.replace(at.plan, pipeline={"unit": CACHED}))
    assert outcome(at, 1) == SUCCEEDED
    (volume,), runtime = volumes(at), runtime_of(at)
    runtime.volumes[volume]["a"] = b"old"
    fresh = dataclasses.replace(at, caches=False, renewed=set())
    assert outcome(fresh, 2) == SUCCEEDED
    assert runtime.volumes[volume] == {}
    runtime.volumes[volume]["a"] = b"new"
    assert outcome(dataclasses.replace(fresh, number=3), 3) == SUCCEEDED
    assert runtime.volumes[volume] == {"a": b"new"}, "another step of the run uses what the first one stored"


def test_a_cache_can_not_hide_the_steps_files(at: Run) -> None:  # noqa: F811
    for path in ("/src", "/"):
        with pytest.raises(StepFailed, match="would hide the files of the step"):
            volumes(at, dataclasses.replace(CACHED, caches=(path.rstrip("/"),)))


def test_unused_and_too_large_caches_are_removed_the_oldest_first(at: Run, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    ctx, runtime = at.ctx, runtime_of(at)
    assert removable_caches(ctx, "shop") == []
    names = [next(iter(volumes(at, dataclasses.replace(CACHED, caches=(f"/{name}",))))) for name in "abc"]
    runtime.usage = DiskUsage(volumes=dict.fromkeys(names, 400 << 20))
    now = ctx.clock()
    for name, age in zip(names, (UNUSED + DAY, DAY, 2 * DAY), strict=True):
        os.utime(used_at(ctx.home, name), (now - age, now - age))
    assert [(item.volume, item.size) for item in removable_caches(ctx, "shop")] == [(names[0], 400 << 20)]
    monkeypatch.setenv(VARIABLE, "500M")
    found = removable_caches(ctx, "shop")
    assert [item.volume for item in found] == [names[2], names[0]]
    assert remove_cache(ctx, found[0])
    assert names[2] not in runtime.volumes
    monkeypatch.setenv(VARIABLE, "much")
    with pytest.raises(UsageError, match="SHIPWAY_CACHE_LIMIT is 'much'"):
        removable_caches(ctx, "shop")


def test_a_commit_from_outside_has_no_caches(at: Run) -> None:  # noqa: F811
    assert volumes(at)
    assert volumes(dataclasses.replace(at, outside=True)) == {}
