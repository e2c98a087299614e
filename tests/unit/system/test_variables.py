"""What Shipway alone needs is in no other program's variables."""

from __future__ import annotations

import pytest

from shipway.drivers.images import builder
from shipway.system import addresses
from shipway.system.background import own_variables
from shipway.system.git import command
from shipway.system.variables import for_others

SECRET = "canary-of-this-process"
OWN = (
    "SHIPWAY_KEY",
    "SHIPWAY_LEDGER",
    "SHIPWAY_REGISTRY_AUTH",
    "SHIPWAY_AGE_IDENTITY",
    "SHIPWAY_SECRET__SHOP__STAGING__KEY",
    "SHIPWAY_TOKEN",
    "SHIPWAY_DELEGATION",
    "SHIPWAY_OIDC_SECRET",
    "SHIPWAY_FORGE_TOKEN",
)


def test_programs_get_all_variables_but_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OWN:
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("SHIPWAY_HOME", "/srv/shipway")
    for found in (for_others(), command.environment(), addresses.plain(), builder.environment({})):
        assert SECRET not in found.values()
        assert found["SHIPWAY_HOME"] == "/srv/shipway"
    assert for_others({"SHIPWAY_KEY": SECRET, "PATH": "/bin"}) == {"PATH": "/bin"}


def test_what_goes_on_by_itself_proves_nothing_of_who_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHIPWAY_TOKEN", "SHIPWAY_DELEGATION", "SHIPWAY_REQUEST"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("SHIPWAY_KEY", "a key")
    assert SECRET not in own_variables().values()
    assert own_variables()["SHIPWAY_KEY"] == "a key"
