"""Secrets that the edge gets: checked before anything is changed, and never printed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.observe import needed, settings
from shipway.actions.operations.adjust import restart
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.doctor import examine
from shipway.domain.errors import SecretError
from shipway.domain.routing import Access, Tls
from shipway.testing.edge_routes import HASH
from tests.unit.domain import samples
from tests.unit.world import World

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n"
STAGING = dataclasses.replace(
    samples.STAGING, url="https://a.example", access=Access("USERS"), tls=Tls(certificate="CERT", key="PRIVATE")
)
GOOD = {"USERS": f"ada:{HASH}", "CERT": CERTIFICATE, "PRIVATE": KEY}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, ""),
        ({"USERS": "ada:hunter2"}, "USERS can't be used for the access to staging: line 1"),
        ({"CERT": KEY}, "CERT is not a certificate"),
        ({"PRIVATE": CERTIFICATE}, "PRIVATE is not a private key"),
        ({"PRIVATE": "hunter2"}, "PRIVATE is not a private key"),
    ],
)
def test_they_are_checked(tmp_path: Path, wrong: dict[str, str], why: str) -> None:
    world = World(tmp_path)
    made = world.release(1, environment=STAGING)
    assert set(GOOD) < set(needed(made.plan, STAGING))
    for name, value in {**GOOD, **wrong}.items():
        world.secrets(world.ledger).set("shop/staging", name, value)
    if not why:
        assert settings(world.controller(), made, STAGING).secrets["PRIVATE"] == KEY
        return
    with pytest.raises(SecretError, match=why) as caught:
        settings(world.controller(), made, STAGING)
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"


def test_an_older_release_gets_the_newest_users_and_certificate(tmp_path: Path) -> None:
    """Who was locked out stays so after a rollback and after a restart; services get the values of their release."""
    world = World(tmp_path)
    secrets = world.secrets(world.ledger)
    grace = f"grace:{HASH}"
    for name, value in {**GOOD, "USERS": f"{GOOD['USERS']}\n{grace}"}.items():
        secrets.set("shop/staging", name, value)
    for number in (1, 2):
        deploy(world.controller(), DeployRequest(world.release(number, environment=STAGING), STAGING))

    def users() -> list[str]:
        return list(world.edge.tables["shop_staging"]["access"]["users"])

    assert users() == [GOOD["USERS"], grace]
    secrets.set("shop/staging", "USERS", GOOD["USERS"])
    secrets.set("shop/staging", "CERT", CERTIFICATE.replace("MIIB", "MIIC"))
    secrets.set("shop/staging", "KEY", "newest-key")
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert users() == [GOOD["USERS"]]
    assert "MIIC" in world.edge.tables["shop_staging"]["certificates"][0]["certificate"]
    serving = [
        item.spec.env for item in world.runtime.containers.values() if item.info.running and "KEY" in item.spec.env
    ]
    assert serving
    assert {env["KEY"] for env in serving} == {"secret-key"}
    assert examine(world.controller(), "shop", STAGING) == []
    secrets.set("shop/staging", "USERS", grace)
    restart(world.controller(), "shop", "staging", ["frontend"])
    assert users() == [grace]
    secrets.remove("shop/staging", "USERS")
    restart(world.controller(), "shop", "staging", ["frontend"])
    assert users() == [grace], "a rollback to what has users goes on without the secret"
