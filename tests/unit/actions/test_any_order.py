"""Any order of deployments, rollbacks, deaths, lost hosts and drift: in the end one whole release serves everywhere."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.retire import retire, retire_due
from shipway.domain import history
from shipway.domain.errors import NothingToRollBack, ShipwayError
from shipway.domain.plan import LOCAL, Environment, Host, Strategy, Watch
from shipway.domain.release import PENDING
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from tests.matrix import FULL
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

OTHER = "ssh://b"
BASE = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host(OTHER)), watch=Watch(requests=2))
ENVIRONMENTS = [
    dataclasses.replace(BASE, standby=standby, strategy=Strategy(kind, steps=(0.5,), hold=0.1), replicas={"backend": 2})
    for kind, standby in (("blue-green", 0.0), ("blue-green", 3600.0), ("rolling", 0.0), ("canary", 3600.0))
]
DEATHS = st.none() | st.builds(Death, st.integers(1, 60), after=st.booleans())


class AnyOrder(RuleBasedStateMachine):
    """Commands come one after another; each may die; hosts come and go; somebody meddles with containers."""

    @initialize(environment=st.sampled_from(ENVIRONMENTS))
    def begin(self, environment: Environment) -> None:
        self.environment = environment
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name), [LOCAL, OTHER])
        self.number = 0
        self.meddled = False  # until somebody has repaired it

    @rule(dies=DEATHS, sick=st.booleans(), schema=st.booleans())
    def deploy(self, dies: Death | None, sick: bool, schema: bool) -> None:
        self.number += 1
        if sick:
            self.world.engines[OTHER].runtime.behave(f"shop_staging_frontend_{self.number}-*", Behaviour(healthy=False))
        newest = f"{len(self.world.database.applied) + 1 if schema else max(1, len(self.world.database.applied)):04}"
        release = self.world.release(self.number, newest, self.environment)
        self.command(lambda ctx: deploy(ctx, DeployRequest(release, self.environment)), dies)

    @rule(dies=DEATHS)
    def rollback(self, dies: Death | None) -> None:
        with suppress(NothingToRollBack):
            self.command(lambda ctx: rollback(ctx, "shop", "staging", RollbackRequest()), dies)

    @rule(dies=DEATHS)
    def retire(self, dies: Death | None) -> None:
        self.command(lambda ctx: retire(ctx, "shop", "staging"), dies)

    @rule(hours=st.floats(0, 2))
    def time_passes(self, hours: float) -> None:
        self.world.now += hours * 3600
        self.command(lambda ctx: retire_due(ctx, "shop", "staging"), None)

    @rule()
    def lose_a_host(self) -> None:
        self.world.engines[OTHER].away = True

    @precondition(lambda self: self.world.engines[OTHER].away)
    @rule()
    def the_host_is_back(self) -> None:
        self.world.engines[OTHER].away = False

    @rule(host=st.sampled_from([LOCAL, OTHER]), pick=st.integers(0, 99), remove=st.booleans())
    def meddle(self, host: str, pick: int, remove: bool) -> None:
        runtime = self.world.engines[host].runtime
        names = sorted(
            name for name, item in runtime.containers.items() if item.info.labels.get("shipway.role") == "service"
        )
        if names:
            name = names[pick % len(names)]  # a number, since threads have a say in which ones are there
            runtime.remove(name) if remove else runtime.stop(name, 1)
            self.meddled = True

    @rule()
    def repair(self) -> None:
        """What a person does in the end: every host is there, and `doctor --fix`."""
        self.world.engines[OTHER].away = False
        self.world.now += 16
        ctx = self.world.controller()
        with suppress(ShipwayError), exclusive_access(ctx, "shop", "staging", "look"):
            pass  # the error is of what it finishes: a sick release is taken back
        repair(ctx, "shop", self.environment)
        self.meddled = False
        assert examine(ctx, "shop", self.environment) == []
        now = history.current(self.world.ledger.deployments("shop", "staging"))
        assert self.world.serving() == ({now.release} if now else set())
        if now:
            assert all(engine.edge.tables for engine in self.world.engines.values()), "every host serves"

    def command(self, work: object, dies: Death | None) -> None:
        if dies is not None:
            dies = Death(dies.at, after=dies.after)
        self.world.now += 16  # a dead one's lease has ended
        try:
            work(self.world.controller(dies=dies))  # type: ignore[operator]
        except (Killed, ShipwayError):
            pass

    @invariant()
    def nothing_that_is_routed_is_down(self) -> None:
        if hasattr(self, "world") and not self.meddled:
            assert -1 not in self.world.serving()

    @invariant()
    def at_most_two_deployments_are_open(self) -> None:
        if hasattr(self, "world"):
            pending = [item for item in self.world.ledger.deployments("shop", "staging") if item.outcome == PENDING]
            assert len(pending) <= 1, "each command settles what it finds"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.repair()
            finally:
                self.world.close()
                self.folder.cleanup()


@pytest.mark.every_point
def test_any_order() -> None:
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=100 if FULL else 40,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
