"""The local CAs of several hosts, of which one may be away."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.environment.local_ca import ca_certificates
from shipway.domain.errors import EngineError
from shipway.domain.plan import LOCAL, Host
from shipway.domain.routing import Tls
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


def test_a_host_that_is_away_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, [LOCAL, "ssh://b"])
    where = dataclasses.replace(
        STAGING, url="https://shop.localhost", hosts=(Host("ssh://b"), Host(LOCAL)), tls=Tls(internal=True)
    )
    monkeypatch.setattr(world.edge, "authority", lambda: "PEM")
    world.engines["ssh://b"].away = True
    assert ca_certificates(world.controller(), where) == ["PEM"]
    assert world.notes == ["without that of ssh://b: ssh://b can't be reached"]
    with pytest.raises(EngineError, match="ssh://b can't be reached"):
        ca_certificates(world.controller(), dataclasses.replace(where, hosts=(Host("ssh://b"),)))
