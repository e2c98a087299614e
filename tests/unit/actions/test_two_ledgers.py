"""Any order of commands of three homes on one engine, two of which share a ledger: what the ledger calls live is what the edge
serves, and a volume with rows goes only where its owner destroys it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.prune import prune
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.adopt import adopt
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import repair
from shipway.actions.upkeep.retire import retire
from shipway.context import Context
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import Accessory
from shipway.domain.release import Release
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from tests.unit.actions.upkeep.test_adopt import Clone, surveyed
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

HOMES = st.sampled_from([0, 1, 2])  # 0 and 2: two machines that share a ledger; 1: a home with a ledger of its own
DEATHS = st.none() | st.none() | st.builds(Death, st.integers(1, 60), after=st.booleans())
DB, CACHE = "shop_staging_db", "shop_staging_cache"


def same_ledger(world: World, folder: Path) -> World:
    """Another machine of the same ledger, with its key."""
    folder.mkdir()
    for name in ("ledger.db", "key"):
        (folder / name).symlink_to(world._folder / name)
    made = object.__new__(World)
    vars(made).update(vars(world), _folder=folder, _ledgers=[])
    made.ledger = made._open()
    return made


class TwoHomes(RuleBasedStateMachine):
    """`owner`: the ledger (0 or 1) whose the environment is, by who deployed, adopted or destroyed it; None: no one's.
    `rows`: volumes in which people have written."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        first = World(folder / "first")
        first.images.public.add("redis:7")
        self.worlds = [first, first.neighbour(folder / "second"), same_ledger(first, folder / "third")]
        self.owner: int | None = None
        self.releases: list[Release] = []
        self.rows: set[str] = set()

    @rule(
        home=HOMES,
        dies=DEATHS,
        sick=st.booleans(),
        schema=st.booleans(),
        cache=st.booleans(),
        replicas=st.integers(1, 2),
    )
    def deploy(self, home: int, dies: Death | None, sick: bool, schema: bool, cache: bool, replicas: int) -> None:
        """Also a first one, a failing one, another number of replicas, one more or less accessory."""
        world, environment = self.worlds[home], dataclasses.replace(STAGING, replicas={"backend": replicas})
        applied = len(world.database.applied)
        release = world.release(len(self.releases) + 1, f"{applied + schema or 1:04}", environment)
        if cache:
            accessories = {**release.plan.accessories, "cache": Accessory("cache", "redis:7", "redis", volume="/data")}
            plan = dataclasses.replace(release.plan, accessories=accessories)
            release = world.ledger.add_release(dataclasses.replace(release, number=0, plan=plan, digest=""))
        self.releases.append(release)
        world.runtime.behave(f"shop_staging_frontend_{release.number}-*", Behaviour(healthy=not sick))
        self.command(home, lambda ctx: deploy(ctx, DeployRequest(release, environment)), dies)

    @rule(home=HOMES, dies=DEATHS)
    def rollback(self, home: int, dies: Death | None) -> None:
        self.command(home, lambda ctx: rollback(ctx, "shop", "staging", RollbackRequest()), dies)

    @rule(home=HOMES, dies=DEATHS)
    def repair(self, home: int, dies: Death | None) -> None:
        self.command(home, lambda ctx: repair(ctx, "shop", STAGING), dies)

    @rule(home=HOMES)
    def prune(self, home: int) -> None:
        self.command(home, lambda ctx: prune(ctx, "shop"), None)

    @rule(home=HOMES)
    def retire(self, home: int) -> None:
        self.command(home, lambda ctx: retire(ctx, "shop", "staging"), None)

    @rule(home=HOMES, dies=DEATHS)
    def destroy(self, home: int, dies: Death | None) -> None:
        if not self.releases:
            return
        allowed = self.owner in (None, home % 2)
        if allowed:
            self.rows = set()  # as far as it comes
        done = self.command(home, lambda ctx: destroy(ctx, self.releases[-1].plan, STAGING), dies)
        assert allowed or not done, "another ledger's environment was destroyed"
        if allowed and done:
            self.owner = None
            self.worlds[0].database.applied.clear()

    @rule(home=HOMES)
    def adopt(self, home: int) -> None:
        if self.owner in (None, home % 2) or not self.releases:
            return
        if self.worlds[self.owner].ledger.pending("shop", "staging"):
            self.command(self.owner, lambda ctx: repair(ctx, "shop", STAGING), None)
        self.a_dead_ones_lease_ends()
        clone = Clone(*self.releases)
        ctx, found = surveyed(self.worlds[home], clone)
        adopt(ctx, self.releases[-1].plan, found, clone.parse)
        world = self.worlds[home]
        release = world.release(len(self.releases) + 1, f"{len(world.database.applied) or 1:04}")
        self.releases.append(release)
        sound = Behaviour(healthy=True)  # whatever another ledger's release of this number was
        world.runtime.behave(f"shop_staging_frontend_{release.number}-*", sound)
        deploy(ctx, DeployRequest(release, STAGING))  # which brings the labels: the other one is refused now
        self.owner = home % 2
        self.people_write()

    @rule()
    def the_engine_restarts(self) -> None:
        runtime = self.worlds[0].runtime
        running = [name for name, item in runtime.containers.items() if item.info.running and item.spec.restart]
        for name in running:
            runtime.stop(name, 1)
            runtime.start(name)

    def command(self, home: int, work: Callable[[Context], object], dies: Death | None) -> bool:
        """Whether it was carried out. People write what they can afterwards."""
        self.a_dead_ones_lease_ends()
        done = False
        with suppress(Killed, ShipwayError):
            work(self.worlds[home].controller(dies=Death(dies.at, after=dies.after) if dies else None))
            done = True
        volumes = self.worlds[0].runtime.volumes
        if self.owner is None and DB in volumes:
            self.owner = home % 2
        self.people_write()
        return done

    def a_dead_ones_lease_ends(self) -> None:
        now = max(world.now for world in self.worlds) + 16
        for world in self.worlds:
            world.now = now

    def people_write(self) -> None:
        """Into the volumes of what serves, once nothing is under way."""
        if self.owner is None or self.worlds[self.owner].ledger.pending("shop", "staging"):
            return
        world = self.worlds[self.owner]
        if world.serving() - {-1}:
            for name in (DB, CACHE):
                if name in world.runtime.containers and name in world.runtime.volumes:
                    world.runtime.volumes[name]["rows"] = b"1000"
                    self.rows.add(name)

    @invariant()
    def rows_are_kept(self) -> None:
        for name in getattr(self, "rows", ()):
            assert self.worlds[0].runtime.volumes.get(name, {}).get("rows") == b"1000", name

    @invariant()
    def what_the_ledger_calls_live_is_what_the_edge_serves(self) -> None:
        if not hasattr(self, "worlds"):
            return
        serving = self.worlds[0].serving()
        assert -1 not in serving
        if self.owner is None:
            assert serving == set()
            return
        ledger = self.worlds[self.owner].ledger
        current = ledger.current("shop", "staging")
        if not ledger.pending("shop", "staging") and current:
            assert serving == {current.release}

    def teardown(self) -> None:
        for world in self.worlds:
            world.close()
        self.folder.cleanup()


@pytest.mark.every_point
@pytest.mark.parametrize("examples", [8, pytest.param(1000, marks=pytest.mark.full)])
def test_any_order_of_two_homes(examples: int) -> None:
    run_state_machine_as_test(
        TwoHomes,
        settings=settings(
            max_examples=examples,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=examples < 100,
            phases=[Phase.generate],
        ),
    )


def test_each_ledger_sees_its_own_environments_of_an_app(tmp_path: Path) -> None:
    first = World(tmp_path / "first")
    deploy(first.controller(), DeployRequest(first.release(1), STAGING))
    second, dev = (
        first.neighbour(tmp_path / "second"),
        dataclasses.replace(STAGING, name="dev", url="http://dev.shop.localhost:8080"),
    )
    second.secrets(second.ledger).set("shop/dev", "KEY", "secret-key")
    deploy(second.controller(), DeployRequest(second.release(1, environment=dev), dev))
    for world, name in ((first, "staging"), (second, "dev")):
        assert [item.name for item in KnownApp(world.controller(), "shop", None).environments()] == [name]
