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


def test_an_older_release_gets_the_present_users_and_certificate(tmp_path: Path) -> None:
    """Who was locked out stays so after a rollback; services get the values of their release."""
    world = World(tmp_path)
    secrets = world.secrets(world.ledger)
    grace = f"grace:{HASH}"
    for name, value in {**GOOD, "USERS": f"{GOOD['USERS']}\n{grace}"}.items():
        secrets.set("shop/staging", name, value)

    def served() -> tuple[list[str], str]:
        table = world.edge.tables["shop_staging"]
        return list(table["access"]["users"]), str(table["certificates"][0]["certificate"])

    deploy(world.controller(), DeployRequest(world.release(1, environment=STAGING), STAGING))
    assert served() == ([GOOD["USERS"], grace], CERTIFICATE)
    renewed = CERTIFICATE.replace("MIIB", "MIIC")
    for name, value in (("USERS", GOOD["USERS"]), ("CERT", renewed), ("KEY", "newer-key")):
        secrets.set("shop/staging", name, value)
    deploy(world.controller(), DeployRequest(world.release(2, environment=STAGING), STAGING))
    assert served() == ([GOOD["USERS"]], renewed)
    secrets.set("shop/staging", "CERT", CERTIFICATE.replace("MIIB", "half of a renewal"))
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {1}
    assert served() == ([GOOD["USERS"]], renewed), "neither those of its time nor what no deployment has tried"
    found = [item.spec for item in world.runtime.containers.values() if "KEY" in item.spec.env]
    assert {spec.env["KEY"] for spec in found if spec.labels["shipway.release"] == "1"} == {"secret-key"}
    assert examine(world.controller(), "shop", STAGING) == []
    restart(world.controller(), "shop", "staging", ["frontend"])
    assert served() == ([GOOD["USERS"]], renewed)
