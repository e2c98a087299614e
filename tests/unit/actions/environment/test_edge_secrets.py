"""Secrets that the edge gets: checked before anything is changed, and never printed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.environment.observe import needed, settings
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
