"""A deployment whose process is killed with SIGKILL: one whole release goes on serving, and the next command takes over."""

from __future__ import annotations

import pytest

from tests.matrix import FULL
from tests.system.conftest import Make
from tests.system.tiny import FIRST, Tiny, visitors

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

# The unit tests have a death at every effect.
MOMENTS = ("▸ migrate", "▸ start", "✓ start", "│ looking", "▸ retire") if FULL else ("▸ start", "│ looking")


def migration(number: int) -> dict[str, str]:
    """Brings a table."""
    name = f"web/migrations/{number:04}_more"
    return {
        f"{name}.up.sql": f"CREATE TABLE more_{number} (name text);\n",
        f"{name}.down.sql": f"DROP TABLE more_{number};\n",
    }


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 1 serves, with a database."""
    project = make(database=True)
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo looking; sleep 1"}}
    project.plan["environments"]["staging"]["checks"] = ["smoke"]
    project.change("1", files=FIRST)
    project.shipway("run", "staging")
    return project


@pytest.mark.parametrize(("number", "moment"), [*enumerate(MOMENTS, 2)], ids=MOMENTS)
def test_killed(shop: Tiny, number: int, moment: str) -> None:
    old, new, brings = str(number - 1), str(number), f"SELECT to_regclass('more_{number}')"
    before = shop.containers(role="service")
    shop.change(new, files=migration(number))
    with visitors(shop) as answers:
        running = shop.start("run", "staging")
        running.until(moment)
        running.kill()
        assert len({shop.answer() for _ in range(5)}) == 1
        done = shop.shipway("retire", "staging")  # any command that changes the environment
    assert set(answers) <= {old, new}, "no request may be lost"
    last = shop.deployments("staging")[0]
    if "complete deploy" in done.output:
        assert (last["outcome"], shop.answer(), shop.psql(brings)) == ("succeeded", new, f"more_{number}")
    else:
        assert "roll back deploy" in done.output
        assert (last["outcome"], shop.answer(), shop.psql(brings)) == ("failed", old, "")
        assert shop.containers(role="service") == before
    assert shop.containers(role="job") == {}
    assert shop.leases() == []
    shop.shipway("deploy", "staging", "staging")
    assert (shop.answer(), shop.psql(brings)) == (new, f"more_{number}")
    assert shop.deployments("staging")[0]["outcome"] == "succeeded"
