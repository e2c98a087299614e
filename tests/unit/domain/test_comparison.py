"""What differs between two releases or environments."""

from __future__ import annotations

import dataclasses

from shipway.domain.comparison import Difference, Side, compare
from shipway.domain.plan import Plan
from tests.unit.domain import samples
from tests.unit.domain.samples import PLAN, PRODUCTION, STAGING


def changed(plan: Plan) -> Plan:
    services = dict(plan.services)
    services["backend"] = dataclasses.replace(
        services["backend"], port=8001, environment={"MODE": "fast"}, secrets=("KEY", "TOKEN")
    )
    del services["worker"]
    return dataclasses.replace(plan, services=services, environments={"staging": STAGING})


def test_a_release_is_the_same_as_itself() -> None:
    side = Side("r1", samples.release(1), None, "0001")
    assert compare(side, side).same


def test_two_releases() -> None:
    one = samples.release(1)
    other = dataclasses.replace(samples.release(2, backend=one.images["backend"]), plan=changed(PLAN))
    found = compare(Side("r1", one, None, "0001"), Side("r2", other, None, "0002"))
    assert not found.same
    assert [item.name for item in found.images] == ["frontend", "worker"]
    assert found.schema == ("0001", "0002")
    assert found.secrets == ()
    differing = {item.name: (item.first, item.second) for item in found.configuration}
    assert differing["services.backend.port"] == ("8000", "8001")
    assert differing["services.backend.environment.MODE"] == (None, "fast")
    assert differing["services.backend.secrets"] == ("KEY", "KEY, TOKEN")
    assert differing["services.worker.command"] == ("work --fast 'two words'", None)
    assert differing["environments.production.url"] == ("http://shop.example", None)
    assert not any(name.startswith("services.frontend") for name in differing)


def test_two_environments() -> None:
    release = samples.release(1)
    found = compare(
        Side("staging", release, STAGING, "0001", ("KEY", "OLD")),
        Side("production", release, PRODUCTION, "0001", ("KEY",)),
    )
    assert found.images == ()
    assert found.secrets == (Difference("OLD", "set", None),)
    differing = {item.name: (item.first, item.second) for item in found.configuration}
    assert differing["environment.url"] == ("http://staging.shop.localhost:8080", "http://shop.example")
    assert differing["environment.replicas.backend"] == (None, "2")
    assert "environment.name" not in differing
    assert all(name.startswith("environment.") for name in differing)
