"""A real process, killed by SIGKILL at points that are drawn again for each run: one whole release keeps serving, and the
next command finishes or takes back. Say SHIPWAY_TEST_SEED=NUMBER to draw the same points again."""

from __future__ import annotations

import os
import random
import time

import pytest

from examples.project import Done
from shipway.actions.environment.locks import TTL
from tests.system.conftest import Make
from tests.system.deaths import ordered
from tests.system.tiny import NOT_THERE, Tiny, effects, visitors

pytestmark = [pytest.mark.engine, pytest.mark.full, pytest.mark.timeout(900)]

POINTS = 2  # of each story
SEED = int(os.environ.get("SHIPWAY_TEST_SEED") or time.time())
NEXT = [("retire", "staging", "--wait", "15"), ("doctor", "staging", "--fix", "--wait", "15")]


class Draw:
    """The points of one story, told in the output."""

    def __init__(self, story: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._random = random.Random(f"{SEED} {story}")
        self._story, self._capsys = story, capsys

    def points(self, counted: Done) -> list[str]:
        """Of a command that has said how many effects it had, as orders to die."""
        every = [f"{at},{moment}" for at in range(1, effects(counted.output) + 1) for moment in ("before", "after")]
        chosen = sorted(self._random.sample(every, POINTS))
        with self._capsys.disabled():
            print(f"\nSHIPWAY_TEST_SEED={SEED}  {self._story}: of {len(every)} points {'  '.join(chosen)}")
        return chosen

    def command(self) -> tuple[str, ...]:
        """What is said next."""
        return self._random.choice(NEXT)


@pytest.fixture
def draw(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Draw:
    return Draw(request.node.name, capsys)


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 1 serves, with a database; the release before stays warm."""
    project = make(database=True)
    project.plan["services"]["web"]["drain"] = "1s"
    project.plan["environments"]["staging"]["standby"] = "1h"
    project.change("1")
    project.shipway("run", "staging")
    return project


def release(project: Tiny, number: int) -> None:
    """A version with one more migration."""
    table = f"table_{number}"
    project.change(str(number), files={
        f"web/migrations/{number:04}_more.up.sql": f"CREATE TABLE {table} (name text);\n",
        f"web/migrations/{number:04}_more.down.sql": f"DROP TABLE {table};\n",
    })  # fmt: skip


def whole(project: Tiny, where: str) -> None:
    """Nothing is half done: the release that is good by the ledger serves, on its schema."""
    assert project.leases() == [], where
    history = project.deployments("staging")
    assert "pending" not in [item["outcome"] for item in history], where
    good = next((item for item in history if item["outcome"] == "succeeded"), None)
    serving = good["release"] if good and good["kind"] != "destroy" else None
    answers = {project.answer() for _ in range(5)}
    if serving is None:
        assert all(answer.startswith(NOT_THERE) for answer in answers), where
        assert project.containers() == {}, where
    else:
        assert answers == {str(serving)}, where
        assert int(project.psql("SELECT max(version) FROM shipway_migrations")) == serving, where
    assert project.containers(role="job", environment="staging") == {}, where
    checked = project.shipway("doctor", "staging", check=False)
    assert checked.code == 0, f"{where}\n{checked.output}"


def survives(project: Tiny, where: str, order: str, following: tuple[str, ...], *command: str) -> list[str]:
    """One death, the next command, and the same command once more. What visitors were answered."""
    where = f"{where}, {order}, then {' '.join(following)}"
    with visitors(project) as answers:
        died = ordered(project, order, *command)
        then = project.shipway(*following, check=False)
        assert then.code == 0, f"{where}\n{died.output}\n{then.output}"
        whole(project, f"{where}\n{died.output}\n{then.output}")
        again = project.shipway(*command, check=False)
        assert again.code == 0, f"{where}\n{again.output}"
    whole(project, f"{where}\n{again.output}")
    assert set(project.containers()) == {*project.containers(role="service"), *project.containers(role="accessory")}, (
        where
    )
    footprint = project.footprint()
    if footprint["pending runs"]:  # it died before it had its lease: only after the time of one is it known to be dead
        time.sleep(TTL + 1)
        project.shipway(*command)
        footprint = project.footprint()
    assert (footprint["pending runs"], footprint["scratch"]) == ([], []), where
    assert len(project.networks()) == 2, where
    return answers


def test_a_first_deployment(shop: Tiny, draw: Draw) -> None:
    command = ("deploy", "staging", "staging", "--wait", "15")
    newest = shop.answer()
    shop.shipway("destroy", "staging", "--force")
    for order in draw.points(ordered(shop, "0", *command)):
        shop.shipway("destroy", "staging", "--force")
        survives(shop, f"seed {SEED}", order, draw.command(), *command)
        assert shop.answer() == newest


def test_a_release_with_a_migration_over_one_that_serves(shop: Tiny, draw: Draw) -> None:
    command = ("run", "staging")
    next_one = int(shop.answer()) + 1
    release(shop, next_one)
    for number, order in enumerate(draw.points(ordered(shop, "0", *command)), next_one + 1):
        release(shop, number)
        answers = survives(shop, f"seed {SEED}", order, draw.command(), *command)
        assert set(answers) <= {str(number - 1), str(number)}, f"seed {SEED}, {order}: no request may be lost"
        assert shop.answer() == str(number)


def test_a_rollback(shop: Tiny, draw: Draw) -> None:
    old = int(shop.answer())
    command = ("rollback", "staging", "--to", str(old), "--wait", "15")
    release(shop, old + 1)
    shop.shipway("run", "staging")
    for order in draw.points(ordered(shop, "0", *command)):
        shop.shipway("deploy", "staging", "staging", "--resume", "--wait", "15")
        answers = survives(shop, f"seed {SEED}", order, draw.command(), *command)
        assert set(answers) <= {str(old), str(old + 1)}, f"seed {SEED}, {order}: no request may be lost"
        assert shop.answer() == str(old)
    shop.shipway("resume", "staging", check=False)
