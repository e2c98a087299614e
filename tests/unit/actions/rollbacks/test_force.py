"""What a rollback needs --force for, and that it then succeeds: an operator must never be left without a way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.operations.adjust import restart
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment
from shipway.domain.routing import Access
from shipway.testing.edge_routes import HASH
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def back(world: World, *, force: bool = False) -> None:
    rollback(world.controller(), "shop", "staging", RollbackRequest(force=force))


def test_an_accessory_that_was_changed_since(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    changed = world.release(2, command="postgres -c max_connections=50")
    deploy(world.controller(), DeployRequest(changed, STAGING, force=True))
    with pytest.raises(UsageError, match="rejected: it would interrupt staging") as caught:
        back(world)
    assert caught.value.hint == "to proceed: shipway rollback staging --to r1 --force"
    assert world.serving() == {2}
    back(world, force=True)
    assert world.serving() == {1}
    assert world.runtime.containers["shop_staging_db"].spec.command is None


def test_a_restart_names_the_command_that_replaces_an_accessory(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    item = world.runtime.containers["shop_staging_db"]
    item.info = dataclasses.replace(item.info, labels={**item.info.labels, "shipway.config": "another"})
    with pytest.raises(UsageError, match="it would interrupt staging") as caught:
        restart(world.controller(), "shop", "staging")
    assert caught.value.hint == "to proceed: shipway deploy staging r1 --force"


def private(users: str | None = None, *allow: str) -> Environment:
    return dataclasses.replace(STAGING, access=Access(users, allow))


@pytest.mark.parametrize(
    ("older", "newer", "opens"),
    [
        (private(), private("USERS"), True),
        (private("USERS"), private("USERS", "10.0.0.0/8"), True),
        (private(None, "10.0.0.0/8", "192.0.2.1/32"), private(None, "10.0.0.0/8"), True),
        (private("USERS"), private(), False),
        (private("USERS", "10.0.0.0/8"), private("USERS"), False),
        (private(None, "10.0.0.0/8"), private(None, "10.0.0.0/8", "192.0.2.1/32"), False),
    ],
)
def test_what_became_private_is_not_opened_by_the_way(
    world: World, older: Environment, newer: Environment, opens: bool
) -> None:
    world.secrets(world.ledger).set("shop/staging", "USERS", f"ada:{HASH}")
    for number, where in ((1, older), (2, newer)):
        deploy(world.controller(), DeployRequest(world.release(number, environment=where), where))
    if opens:
        with pytest.raises(UsageError, match="release 1 lets in") as caught:
            back(world)
        assert "shipway rollback staging --to r1 --force" in caught.value.hint
        assert world.serving() == {2}
    back(world, force=opens)
    assert world.serving() == {1}
