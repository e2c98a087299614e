"""What Shipway alone needs is in no other program's variables."""

from __future__ import annotations

import pytest

from shipway.drivers.images import builder
from shipway.system import addresses
from shipway.system.git import command
from shipway.system.variables import for_others

SECRET = "canary-of-this-process"
OWN = (
    "SHIPWAY_KEY",
    "SHIPWAY_LEDGER",
    "SHIPWAY_REGISTRY_AUTH",
    "SHIPWAY_AGE_IDENTITY",
    "SHIPWAY_SECRET__SHOP__STAGING__KEY",
)


def test_programs_get_all_variables_but_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OWN:
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("SHIPWAY_HOME", "/srv/shipway")
    for found in (for_others(), command.environment(), addresses.plain(), builder.environment({})):
        assert SECRET not in found.values()
        assert found["SHIPWAY_HOME"] == "/srv/shipway"
    assert for_others({"SHIPWAY_KEY": SECRET, "PATH": "/bin"}) == {"PATH": "/bin"}
