"""A public address has one owner: who comes second is refused before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.environment.public_address import taken
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.destroy import destroy
from shipway.domain.desired import public_table
from shipway.domain.errors import EdgeError
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.planfile import examine
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

ELSEWHERE = replace(STAGING, url="http://store.localhost:8080")


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[tuple[World, World]]:
    """shop is on staging; another ledger on the same engine has the app store."""
    shop = World(tmp_path / "shop")
    store = shop.neighbour(tmp_path / "store")
    store.secrets(store.ledger).set("store/staging", "KEY", "secret-key")
    deploy(shop.controller(), DeployRequest(shop.release(1), STAGING))
    yield shop, store
    store.close()
    shop.close()


def of_store(world: World, number: int, environment: Environment) -> Release:
    made = world.release(number + 10, environment=environment)
    return world.ledger.add_release(
        replace(made, app="store", plan=replace(made.plan, app="store"), tree=f"store-{number}", digest="")
    )


def test_the_second_app_at_an_address_is_refused_before_anything_starts(worlds: tuple[World, World]) -> None:
    shop, store = worlds
    before, made = shop.state(), of_store(store, 1, STAGING)
    for create in (False, True):  # a dry run says so too
        with pytest.raises(EdgeError) as caught:
            decide(store.controller(), DeployRequest(made, STAGING), create=create)
    with pytest.raises(EdgeError) as caught:
        deploy(store.controller(), DeployRequest(made, STAGING))
    whose = f"already served by staging of shop of another ledger ({shop.ledger.identity()[:12]}). Nothing was changed"
    assert caught.value.message.startswith("http://staging.shop.localhost:8080/")
    assert caught.value.message.endswith(whose)
    assert caught.value.hint.endswith(
        "shipway destroy staging --app shop, with its ledger (SHIPWAY_LEDGER or SHIPWAY_HOME)"
    )
    assert shop.state() == before
    assert store.ledger.deployments("store", "staging") == []
    deploy(shop.controller(), DeployRequest(shop.release(2), STAGING))  # its own earlier route is no obstacle
    destroy(shop.controller(), PLAN, STAGING)
    deploy(store.controller(), DeployRequest(made, STAGING))
    assert list(shop.edge.tables) == ["store_staging"]


def test_of_the_same_ledger_only_the_app_is_named(worlds: tuple[World, World]) -> None:
    shop, _ = worlds
    shop.secrets(shop.ledger).set("store/staging", "KEY", "secret-key")
    with pytest.raises(EdgeError, match=r"already served by staging of shop\. Nothing") as caught:
        deploy(shop.controller(), DeployRequest(of_store(shop, 1, STAGING), STAGING))
    assert caught.value.hint.endswith("shipway destroy staging --app shop")


def test_a_rollback_does_not_take_an_address_that_another_app_has_meanwhile(worlds: tuple[World, World]) -> None:
    shop, store = worlds
    destroy(shop.controller(), PLAN, STAGING)
    deploy(store.controller(), DeployRequest(of_store(store, 1, STAGING), STAGING))
    deploy(store.controller(), DeployRequest(of_store(store, 2, ELSEWHERE), ELSEWHERE))
    deploy(shop.controller(), DeployRequest(shop.release(3), STAGING))
    tables = dict(shop.edge.tables)
    with pytest.raises(EdgeError, match="already served by staging of shop"):
        rollback(store.controller(), "store", "staging", RollbackRequest())
    assert shop.edge.tables == tables


def test_a_check_of_the_plan_says_so_where_there_is_an_engine(worlds: tuple[World, World], tmp_path: Path) -> None:
    shop, _ = worlds
    plan = tmp_path / "shipway.yaml"
    plan.write_text("app: store\nservices:\n  web: {image: 'caddy:2', port: 80, route: /, health: {path: /}}\n"
                    "environments:\n  staging: {url: 'http://staging.shop.localhost:8080'}\n  other: {url: 'http://store.localhost'}\n")  # fmt: skip

    def asked(plan: object, environment: Environment) -> str | None:
        table = public_table(plan, environment)  # type: ignore[arg-type]
        assert table is not None
        found = taken(shop.edge, shop.runtime, f"store_{environment.name}", table)
        return found[0] if found else None

    (problem,) = [item for item in examine(plan, taken=asked).problems if "served" in item.message]
    assert (problem.severity, problem.path, problem.line) == ("warning", "environments.staging.url", 5)
    assert problem.message == "http://staging.shop.localhost:8080/ is already served by staging of shop"
