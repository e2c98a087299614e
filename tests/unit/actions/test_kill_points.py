"""A controller may die before or after each of its effects: what serves is always one whole release, and the next
command finishes or takes back what was begun."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.observe import settings
from shipway.actions.operations.adjust import scale
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.retire import retire_due
from shipway.context import Context
from shipway.domain.desired import render_desired
from shipway.domain.errors import DeployFailed, EdgeError
from shipway.domain.plan import LOCAL, Environment, Host, Strategy, Watch
from shipway.domain.proof import UNSAFE
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.matrix import sample
from tests.unit.domain import samples
from tests.unit.world import World

COLD = samples.STAGING
HOUR = 3600.0
WARM = dataclasses.replace(COLD, standby=HOUR)
ENVIRONMENTS = {
    "cold": COLD,
    "warm": WARM,
    "two hosts": dataclasses.replace(WARM, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b"))),
    "rolling": dataclasses.replace(COLD, strategy=Strategy("rolling"), replicas={"backend": 3, "worker": 2}),
    "canary": dataclasses.replace(
        WARM, strategy=Strategy("canary", steps=(0.1, 0.5), hold=1.0), watch=Watch(1.0, requests=5)
    ),
}
SHARE = 1 / 30  # of the points, in the usual run
Command = Callable[[Context], object]
Story = Callable[[World, Environment], Command]


@dataclasses.dataclass(frozen=True)
class Tale:
    """A story up to its command: each death begins with a copy of its world."""

    begun: World
    command: Command
    environment: Environment
    fails: bool


def first(world: World, environment: Environment) -> Command:
    """The first deployment of all."""
    release = world.release(1, environment=environment)
    return lambda ctx: deploy(ctx, DeployRequest(release, environment))


def second(world: World, environment: Environment) -> Command:
    """A release with a migration over one that serves."""
    first(world, environment)(world.controller())
    release = world.release(2, "0002", environment)
    return lambda ctx: deploy(ctx, DeployRequest(release, environment))


def third(world: World, environment: Environment) -> Command:
    """One more, which removes the first one's containers."""
    second(world, environment)(world.controller())
    release = world.release(3, "0002", environment)
    return lambda ctx: deploy(ctx, DeployRequest(release, environment))


def back(world: World, environment: Environment) -> Command:
    """A rollback with a down script."""
    second(world, environment)(world.controller())
    return lambda ctx: rollback(ctx, "shop", "staging", RollbackRequest())


def back_by_code(world: World, environment: Environment) -> Command:
    """A rollback that leaves the schema ahead."""
    one = world.release(1, environment=environment)
    deploy(world.controller(), DeployRequest(one, environment))
    two = world.release(2, "0002", environment)
    deploy(world.controller(), DeployRequest(two, environment))
    world.proven(two, one)
    return lambda ctx: rollback(ctx, "shop", "staging", RollbackRequest())


def back_down_first(world: World, environment: Environment) -> Command:
    """A rollback to code that doesn't start on the schema as it is."""
    one = world.release(1, environment=environment)
    deploy(world.controller(), DeployRequest(one, environment))
    two = world.release(2, "0002", environment)
    deploy(world.controller(), DeployRequest(two, environment))
    world.proven(two, one, old=UNSAFE)
    return lambda ctx: rollback(ctx, "shop", "staging", RollbackRequest())


def above(world: World, environment: Environment) -> Command:
    """The next release, on the schema that a rollback by code left ahead."""
    back_by_code(world, environment)(world.controller())
    release = world.release(3, "0003", environment)
    return lambda ctx: deploy(ctx, DeployRequest(release, environment))


def further_back(world: World, environment: Environment) -> Command:
    """From the schema that a rollback by code left ahead, by the image that knows it."""
    zero = world.release(1, environment=environment)
    deploy(world.controller(), DeployRequest(zero, environment))
    one = world.release(2, "0002", environment)
    deploy(world.controller(), DeployRequest(one, environment))
    two = world.release(3, "0003", environment)
    deploy(world.controller(), DeployRequest(two, environment))
    world.proven(two, one)
    world.proven(one, zero, old=UNSAFE)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    return lambda ctx: rollback(ctx, "shop", "staging", RollbackRequest())


def sick(world: World, environment: Environment) -> Command:
    """A release that never becomes healthy: it may die while it takes that back."""
    second(world, environment)(world.controller())
    world.engines[environment.hosts[-1].name].runtime.behave("shop_staging_backend_3-*", Behaviour(healthy=False))
    release = world.release(3, "0003", environment)
    return lambda ctx: deploy(ctx, DeployRequest(release, environment))


def unverified(world: World, environment: Environment) -> Command:
    """A release whose check fails after the switch."""
    second(world, environment)(world.controller())
    world.runtime.behave("*_check_*", Behaviour(exit_code=1))
    checked = dataclasses.replace(environment, checks=("smoke",))
    release = world.release(3, "0002", checked)
    return lambda ctx: deploy(ctx, DeployRequest(release, checked))


def unreachable(world: World, environment: Environment) -> Command:
    """The edge of the last host can't reach the new release, while the others have switched."""
    second(world, environment)(world.controller())
    edge = world.engines[environment.hosts[-1].name].edge
    release = world.release(3, "0002", environment)
    wanted = render_desired(
        release, environment, settings(world.controller(), release, environment), host=environment.hosts[-1]
    )
    edge.unreachable |= {
        url for route in (wanted.routes or {})["routes"] for group in route["groups"] for url in group["upstreams"]
    }
    return lambda ctx: deploy(ctx, DeployRequest(release, environment))


def replaced(world: World, environment: Environment) -> Command:
    """A release whose plan changes a setting of the database."""
    second(world, environment)(world.controller())
    release = world.release(3, "0002", environment, command="postgres -c max_connections=50")
    return lambda ctx: deploy(ctx, DeployRequest(release, environment, force=True))


def replaced_badly(world: World, environment: Environment) -> Command:
    """A release with a database that doesn't start: the one before comes back."""
    second(world, environment)(world.controller())
    world.have("postgres:15-bad")
    world.runtime.behave("postgres:15-bad", Behaviour(exit_code=1))
    release = world.release(3, "0002", environment, image="postgres:15-bad")
    return lambda ctx: deploy(ctx, DeployRequest(release, environment, force=True))


def scaled(world: World, environment: Environment) -> Command:
    """More replicas of one service, fewer of another."""
    second(world, environment)(world.controller())
    return lambda ctx: scale(ctx, "shop", "staging", {"backend": 3, "worker": 0}) and None


STORIES = [
    first, second, third, back, back_by_code, back_down_first, above, further_back, sick, unverified, unreachable, replaced, replaced_badly, scaled,
]  # fmt: skip
ONLY = {  # how a release takes over makes little difference to these; the benchmarks kill all of them everywhere
    third: ("cold", "two hosts"), back_by_code: ("cold",), back_down_first: ("cold", "two hosts"), above: ("cold",), further_back: ("cold", "warm"),
    replaced: ("cold", "two hosts"), replaced_badly: ("cold", "two hosts"), scaled: ("cold", "two hosts"),
}  # fmt: skip
FAIL = (sick, unverified, unreachable, replaced_badly)


def attempt(command: Command, ctx: Context, *, fails: bool) -> None:
    """Run it as a person does, who sees its error."""
    try:
        command(ctx)
    except (DeployFailed, EdgeError):
        assert fails
    else:
        assert not fails


@pytest.mark.every_point
@pytest.mark.parametrize(
    ("story", "name"),
    [(story, name) for story in STORIES for name in ONLY.get(story, ENVIRONMENTS)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_death_at_every_effect(
    story: Story, name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """FULL=1 walks all; otherwise a share of them, other ones in each story. `make bench` counts all."""
    died, problems = kill_everywhere(story, ENVIRONMENTS[name], tmp_path, SHARE, first=STORIES.index(story))
    record_property("kill points", died)
    assert problems == []
    assert died > 20 * SHARE


def kill_everywhere(
    story: Story, environment: Environment, folder: Path, some: float = 1.0, first: int = 0
) -> tuple[int, list[str]]:
    """How many deaths there were, and in words which of them were not survived. some: the share of all points, of which
    `first` moves the choice."""
    with ThreadPoolExecutor(1) as pool:  # outside of the main thread what is done side by side needs fewer threads
        return pool.submit(_kill_everywhere, story, environment, folder, some, first).result()


def _kill_everywhere(
    story: Story, environment: Environment, folder: Path, some: float, first: int
) -> tuple[int, list[str]]:
    begun = World(folder / "begun", [host.name for host in environment.hosts])
    tale = Tale(begun, story(begun, environment), environment, fails=story in FAIL)
    never = Death(0, after=False)
    expected = undisturbed(tale, folder / "alive", never)
    points = sample(every(never.effects), some, first)
    died, problems = 0, []
    for at, after in points:
        try:
            died += survives(tale, folder / f"{at}-{after}", at, expected, after=after)
        except AssertionError as error:
            problems.append(str(error))
    begun.close()
    if died < len(points) - 4:  # a lease is renewed once more or less: all other effects are the same each time
        problems.append(f"only {died} of {len(points)} points were reached")
    return died, problems


def undisturbed(tale: Tale, folder: Path, never: Death) -> dict[str, object]:
    """What there is in the end when nobody dies. `never` counts the effects."""
    world = tale.begun.copy(folder)
    attempt(tale.command, world.controller(dies=never), fails=tale.fails)
    left = comparable(tale, world)
    world.close()
    return left


def survives(tale: Tale, folder: Path, at: int, expected: dict[str, object], *, after: bool) -> bool:
    """One death: what serves, what the next command makes of it, and that the command can be said again. False where the
    command had fewer effects this time."""
    world, command, environment = tale.begun.copy(folder), tale.command, tale.environment
    before = world.state()
    death = Death(at, after=after)
    with suppress(Killed):
        attempt(command, world.controller(dies=death), fails=tale.fails)
    if not death.done:
        return False
    where = f"killed {'after' if after else 'before'} effect {at}"
    # Until the next command, hosts may differ, and a canary or rolling deployment stands where it stood.
    assert len(world.serving()) <= (
        2 if len(environment.hosts) > 1 or environment.strategy.kind != "blue-green" else 1
    ), where
    assert -1 not in world.serving(), where
    assert world.serving() or not before["serving"], where
    world.now += 15
    with suppress(Killed, DeployFailed, EdgeError):  # the next command may die as well
        recovered(world, Death(at % 7 + 1, after=after))
    assert -1 not in world.serving(), where
    world.now += 15
    with suppress(DeployFailed, EdgeError):
        recovered(world, None)
    settled(world, before, where)
    if world.state()["good"] == before["good"]:
        attempt(command, world.controller(), fails=tale.fails)
    assert comparable(tale, world) == expected, where
    world.close()
    return True


def recovered(world: World, dies: Death | None) -> None:
    """The next command, whatever it is."""
    with exclusive_access(world.controller(dies=dies), "shop", "staging", "the next command"):
        pass


def settled(world: World, before: dict[str, object], where: str) -> None:
    """Nothing is half done: the release before serves on the schema before, or the new one does."""
    now = world.state()
    assert now["pending"] == [], where
    assert now["serving"] in ([before["serving"]] if now["good"] == before["good"] else [set(now["good"])]), where
    jobs = [name for name in now["containers"] if "_job_" in name]
    assert jobs == [], where
    if now["good"] == before["good"] and before["good"]:
        assert now["schema"] == before["schema"], where


def comparable(tale: Tale, world: World) -> dict[str, object]:
    """What must be the same whether the controller died or not."""
    due: float | None = world.now
    while due is not None and due < world.now + HOUR / 2:
        world.now = max(world.now, due)
        due = retire_due(world.controller(), "shop", "staging")
    return {name: value for name, value in world.state().items() if name != "pending"}
