"""A reporter whose reader goes, and a ledger that fails once, at each of their calls: the first changes nothing at all, and
after the second what serves is what the ledger says, or the next command makes it so.

The usual run takes a sample, FULL=1 all commands in all kinds of environment, as the benchmarks do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.domain.errors import DeployFailed, EdgeError, ShipwayError
from shipway.domain.plan import Environment
from shipway.testing.faults import Fault, broken_pipe, lost_connection, with_ledger, with_reporter
from tests.matrix import FULL
from tests.unit.actions.test_kill_points import (
    ENVIRONMENTS,
    FAIL,
    ONLY,
    STORIES,
    Story,
    Tale,
    attempt,
    back,
    back_down_first,
    comparable,
    recovered,
    second,
    settled,
    unverified,
)
from tests.unit.world import World

SAMPLE = [(second, "cold"), (back, "warm"), (back_down_first, "cold"), (unverified, "two hosts")]
ALL = [(story, name) for story in STORIES for name in ONLY.get(story, ENVIRONMENTS)]


@pytest.mark.every_point
@pytest.mark.parametrize("kind", ["reporter", "ledger"])
@pytest.mark.parametrize(
    ("story", "name"), ALL if FULL else SAMPLE, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_fault_at_every_call(
    story: Story, name: str, kind: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    points, problems = fail_everywhere(kind, story, ENVIRONMENTS[name], tmp_path, every=1 if FULL else 3)
    record_property("fault points", points)
    assert problems == []
    assert points > 5


def fail_everywhere(
    kind: str, story: Story, environment: Environment, folder: Path, *, every: int = 1
) -> tuple[int, list[str]]:
    """How many faults there were, each `every`-th call, and in words which of them were not survived."""
    with ThreadPoolExecutor(1) as pool:  # outside of the main thread what is done side by side needs fewer threads
        return pool.submit(_fail_everywhere, kind, story, environment, folder, every).result()


def _fail_everywhere(
    kind: str, story: Story, environment: Environment, folder: Path, every: int
) -> tuple[int, list[str]]:
    begun = World(folder / "begun", [host.name for host in environment.hosts])
    tale = Tale(begun, story(begun, environment), environment, fails=story in FAIL)
    fits, fails = {"reporter": (with_reporter, _goes), "ledger": (with_ledger, _fails_once)}[kind]
    none = fails(0, False)
    world = begun.copy(folder / "whole")
    attempt(tale.command, fits(world.controller(), none), fails=tale.fails)
    expected = comparable(tale, world)
    world.close()
    problems = []
    points = [(at, after) for at in range(1, none.calls + 1, every) for after in (False, True)]
    for at, after in points:
        world = begun.copy(folder / f"{at}-{after}")
        try:
            ctx, where = (
                fits(world.controller(), fails(at, after)),
                f"{story.__name__}: the {kind} fails {'after' if after else 'before'} call {at}",
            )
            if kind == "reporter":
                attempt(tale.command, ctx, fails=tale.fails)
                assert world.state()["pending"] == [], where
            else:
                _survives(tale, world, lambda ctx=ctx: tale.command(ctx), where)  # type: ignore[misc]
            assert comparable(tale, world) == expected, where
        except AssertionError as error:
            problems.append(str(error))
        world.close()
    begun.close()
    return len(points), problems


def _survives(tale: Tale, world: World, command: Callable[[], object], where: str) -> None:
    """The command ends in an error or not; in both cases what serves is what the ledger says, or it says that it isn't."""
    before = world.state()
    with suppress(ShipwayError):
        command()
    now = world.state()
    assert -1 not in now["serving"], where  # type: ignore[operator]
    if not now["pending"]:
        assert now["serving"] == set(now["good"]), where  # type: ignore[call-overload]
        assert now["schema"] == _schema(world), where
    world.now += 15  # a lock that could not be freed ends by itself
    with suppress(DeployFailed, EdgeError):
        recovered(world, None)
    settled(world, dict(before), where)
    if world.state()["good"] == before["good"]:
        attempt(tale.command, world.controller(), fails=tale.fails)


def _schema(world: World) -> list[str]:
    """As the ledger knows it."""
    found = next((item.schema for item in world.ledger.deployments("shop", "staging", 1000) if item.schema), None)
    return [f"{number:04}" for number in range(1, int(found or 0) + 1)]


def _goes(at: int, after: bool) -> Fault:
    return Fault(at, broken_pipe, after=after, for_good=True)


def _fails_once(at: int, after: bool) -> Fault:
    return Fault(at, lost_connection, after=after)
