"""Any order of commands of two homes with a ledger each, on one engine: what a ledger calls live is what the edge serves,
and a volume with rows goes only where its owner destroys it."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shipway.actions.adopt import adopt
from shipway.actions.decide import Order
from shipway.actions.deploy import deploy
from shipway.actions.destroy import destroy
from shipway.actions.doctor import repair
from shipway.actions.environments import KnownApp
from shipway.actions.rollback import Wish, rollback
from shipway.domain.errors import OtherLedger, ShipwayError
from shipway.domain.release import Release
from shipway.testing.memory import Behaviour
from tests.unit.actions.test_adopt import Clone, surveyed
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

WHO = st.sampled_from([0, 1])
VOLUME = "shop_staging_db"


class TwoLedgers(RuleBasedStateMachine):
    """`owner`: whose the environment is, by who deployed, adopted or destroyed it; None: no one's."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        first = World(Path(self.folder.name) / "first")
        self.worlds = [first, first.neighbour(Path(self.folder.name) / "second")]
        self.owner: int | None = None
        self.releases: list[Release] = []

    @rule(who=WHO, sick=st.booleans())
    def deploy(self, who: int, sick: bool) -> None:
        world = self.worlds[who]
        release = world.release(len(self.releases) + 1)
        self.releases.append(release)
        world.runtime.behave(f"shop_staging_frontend_{release.number}-*", Behaviour(healthy=not sick))
        with suppress(OtherLedger if self.owner not in (None, who) else ShipwayError):
            deploy(world.controller(), Order(release, STAGING))
            assert self.owner in (None, who), "another ledger's environment was taken"
        if self.owner is None and VOLUME in world.runtime.volumes:
            self.owner = who
            world.runtime.volumes[VOLUME]["rows"] = b"1000"

    @rule(who=WHO)
    def rollback(self, who: int) -> None:
        with suppress(ShipwayError):
            rollback(self.worlds[who].controller(), "shop", "staging", Wish())

    @rule(who=WHO)
    def repair(self, who: int) -> None:
        with suppress(ShipwayError):
            repair(self.worlds[who].controller(), "shop", STAGING)

    @rule(who=WHO)
    def destroy(self, who: int) -> None:
        if not self.releases:
            return
        try:
            destroy(self.worlds[who].controller(), self.releases[-1].plan, STAGING)
        except OtherLedger:
            assert self.owner not in (None, who)
        else:
            assert self.owner in (None, who), "another ledger's environment was destroyed"
            self.owner = None

    @rule(who=WHO)
    def adopt(self, who: int) -> None:
        if self.owner not in (None, who):
            clone = Clone(*self.releases)
            ctx, found = surveyed(self.worlds[who], clone)
            adopt(ctx, self.releases[-1].plan, found, clone.parse)
            deploy(ctx, Order(self.worlds[who].release(1), STAGING))  # which brings the labels: the other one is refused now
            self.owner = who

    @invariant()
    def rows_are_kept(self) -> None:
        if self.owner is not None:
            assert self.worlds[0].runtime.volumes[VOLUME].get("rows") == b"1000"

    @invariant()
    def no_request_goes_nowhere(self) -> None:
        assert -1 not in self.worlds[0].serving()

    def teardown(self) -> None:
        for world in self.worlds:
            world.close()
        self.folder.cleanup()


def test_any_order_of_two_ledgers() -> None:
    run_state_machine_as_test(
        TwoLedgers, settings=settings(max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    )


def test_each_ledger_sees_its_own_environments_of_an_app(tmp_path: Path) -> None:
    first = World(tmp_path / "first")
    deploy(first.controller(), Order(first.release(1), STAGING))
    second, dev = first.neighbour(tmp_path / "second"), dataclasses.replace(STAGING, name="dev", url="http://dev.shop.localhost:8080")
    second.secrets(second.ledger).set("shop/dev", "KEY", "secret-key")
    deploy(second.controller(), Order(second.release(1, environment=dev), dev))
    for world, name in ((first, "staging"), (second, "dev")):
        assert [item.name for item in KnownApp(world.controller(), "shop", None).environments()] == [name]
