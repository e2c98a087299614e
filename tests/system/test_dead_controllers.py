"""A deployment whose process is killed with SIGKILL: one whole release goes on serving, and the next command takes over."""

from __future__ import annotations

import pytest

from tests.system.conftest import Make
from tests.system.tiny import FIRST, Tiny, visitors

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

SECOND = {
    "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
    "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
}


@pytest.fixture
def shop(make: Make) -> Tiny:
    """Release 1 serves, with a database."""
    project = make(database=True)
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo looking; sleep 1"}}
    project.plan["environments"]["staging"]["checks"] = ["smoke"]
    project.change("one", files=FIRST)
    project.shipway("run", "staging")
    return project


@pytest.mark.parametrize("moment", ["▸ migrate", "▸ start", "✓ start", "│ looking", "▸ retire"])
def test_killed(shop: Tiny, moment: str) -> None:
    before = shop.containers(role="service")
    shop.change("two", files=SECOND)
    with visitors(shop) as answers:
        running = shop.start("run", "staging")
        running.until(moment)
        running.kill()
        assert len({shop.answer() for _ in range(5)}) == 1
        done = shop.shipway("retire", "staging")  # any command that changes the environment
    assert set(answers) <= {"one", "two"}, "no request may be lost"
    last = shop.deployments("staging")[0]
    if "finish deploy" in done.output:
        assert (last["outcome"], shop.answer(), shop.psql("SELECT to_regclass('owners')")) == ("succeeded", "two", "owners")
    else:
        assert "take back deploy" in done.output
        assert (last["outcome"], shop.answer(), shop.psql("SELECT to_regclass('owners')")) == ("failed", "one", "")
        assert shop.containers(role="service") == before
    assert shop.containers(role="job") == {}
    assert shop.leases() == []
    shop.shipway("deploy", "staging", "staging")
    assert (shop.answer(), shop.psql("SELECT to_regclass('owners')")) == ("two", "owners")
    assert shop.deployments("staging")[0]["outcome"] == "succeeded"
