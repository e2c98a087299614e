"""Ctrl-C and SIGTERM, wherever they come: exit code 130, everything cleaned up, and the next command works."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import pytest

from shipway.domain.errors import Interrupted
from tests.system.conftest import Make
from tests.system.tiny import DATABASE, Running, Tiny, visitors

pytestmark = [pytest.mark.engine, pytest.mark.share(2 / 3)]

SIGNALS: list[Callable[[Running], None]] = [Running.press_ctrl_c, Running.terminate]
SAMPLE = [Running.press_ctrl_c, pytest.param(Running.terminate, marks=pytest.mark.full)]


@pytest.fixture(scope="module")
def project(make: Make) -> Tiny:
    """Release 1 serves on staging."""
    project = make()
    project.shipway("run", "staging")
    return project


@pytest.fixture
def first(project: Tiny) -> str:
    return project.git("rev-parse", "HEAD").output.strip()


def interrupted(running: Running, interrupt: Callable[[Running], None]) -> str:
    interrupt(running)
    done = running.end(seconds=20)
    assert done.code == Interrupted.exit_code, done.output
    assert "Traceback" not in done.output
    assert "interrupted" in done.output
    return done.output


@pytest.mark.parametrize("interrupt", SAMPLE, ids=lambda item: item.__name__)
def test_in_the_middle_of_steps(project: Tiny, first: str, interrupt: Callable[[Running], None]) -> None:
    before = project.footprint()
    project.plan |= {"accessories": DATABASE["accessories"]}
    project.pipeline(
        stubborn={"run": "trap '' TERM INT; echo I am stubborn; sleep 60; sleep 60"},
        database={"run": "echo I have a database; sleep 60", "image": "postgres:15", "with": ["db"]},
        after={"run": "echo never", "needs": ["stubborn"]},
    )
    running = project.start("run", "staging")
    running.until("│ I am stubborn")
    running.until("│ I have a database")
    output = interrupted(running, interrupt)
    project.undo(first)
    assert "│ never" not in output
    assert project.footprint() == before
    ledger = project.ledger()
    assert ledger.runs(project.app, 1)[0].outcome == "cancelled"
    ledger.close()


@pytest.mark.parametrize("interrupt", SAMPLE, ids=lambda item: item.__name__)
def test_while_an_image_is_built(project: Tiny, first: str, interrupt: Callable[[Running], None]) -> None:
    before = project.footprint()
    dockerfile = (project.clone / "web/Dockerfile").read_text()
    project.change(
        "two", files={"web/Dockerfile": f"{dockerfile}RUN echo building for long {interrupt.__name__}; sleep 60\n"}
    )
    running = project.start("run", "staging")
    running.until(f"building for long {interrupt.__name__}")
    interrupted(running, interrupt)
    project.undo(first)
    assert project.footprint() == before


@pytest.mark.parametrize("interrupt", SIGNALS, ids=lambda item: item.__name__)
def test_in_the_middle_of_a_deployment(project: Tiny, first: str, interrupt: Callable[[Running], None]) -> None:
    before = project.footprint()
    project.plan["services"]["web"]["health"]["timeout"] = "60s"
    project.change("sick", health=503)
    with visitors(project) as answers:
        running = project.start("run", "staging")
        running.until("▸ start")
        interrupted(running, interrupt)
    project.undo(first)
    assert set(answers) == {"one"}
    after = project.footprint()
    assert {**after, "releases": None} == {**before, "releases": None}
    assert project.deployments("staging")[0]["outcome"] == "cancelled"
    assert "nothing to do" in project.shipway("deploy", "staging").output  # the lease is free


def test_in_the_middle_of_a_check_after_the_switch(project: Tiny, first: str) -> None:
    before = project.footprint()
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo checking; sleep 60"}}
    project.plan["environments"]["staging"]["checks"] = ["smoke"]
    project.change("two")
    running = project.start("run", "staging")
    running.until("│ checking")
    assert project.answer() == "two"
    interrupted(running, Running.terminate)
    project.undo(first)
    assert project.answer() == "one"
    assert {**project.footprint(), "releases": None} == {**before, "releases": None}


def test_in_the_middle_of_a_migration(make: Make) -> None:
    shop = make(database=True)
    shop.shipway("run", "staging")
    before = shop.footprint()
    shop.change("two", files={
        "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
        "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
        "web/migrations/0003_vets.up.sql": "CREATE TABLE vets (name text);\nSELECT pg_sleep(30);\n",
        "web/migrations/0003_vets.down.sql": "DROP TABLE vets;\n",
    })  # fmt: skip
    running = shop.start("run", "staging")
    running.until("▸ migrate")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 30
    while shop.psql(asleep) == "0":
        assert time.monotonic() < deadline, running.output
        time.sleep(0.2)
    interrupted(running, Running.terminate)
    assert (
        shop.psql("SELECT to_regclass('owners'), to_regclass('vets')") == "|"
    )  # 0002 was reverted, 0003 never came to be
    assert shop.answer() == "one"
    assert {**shop.footprint(), "releases": None} == {**before, "releases": None}
    assert shop.deployments("staging")[0]["schema"] == "0001"


def test_while_it_waits_for_the_lease(project: Tiny) -> None:
    ledger = project.ledger()
    lease = ledger.acquire(f"{project.app}/staging", "somebody", "a test", 60)
    running = project.start("deploy", "staging", "--wait", "50")
    running.until("waiting: ")
    interrupted(running, Running.press_ctrl_c)
    assert ledger.lease(lease.name) == lease  # the other's lease is untouched
    ledger.free(lease)
    ledger.close()


def test_pressed_twice(make: Make) -> None:
    """The second Ctrl-C ends the command at once, and says what becomes of what it began."""
    project = make()
    project.shipway("run", "staging")
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo checking; sleep 5"}}
    project.plan["environments"]["staging"]["checks"] = ["smoke"]
    project.change("two")
    running = project.start("run", "staging")
    running.until("│ checking")
    running.press_ctrl_c()
    running.until("rolling back")
    pressed = time.monotonic()
    running.press_ctrl_c()
    done = running.end(seconds=20)
    assert time.monotonic() - pressed < 5  # seconds; without it the rollback goes on
    assert done.code == Interrupted.exit_code
    if "aborted:" in done.output:  # else the rollback had ended before
        assert "the next shipway command for this environment completes the deployment or rolls it back" in done.output
    project.shipway("doctor", "--fix", "--wait", "30")
    assert project.answer() in ("one", "two")
    assert "pending" not in {item["outcome"] for item in project.deployments("staging")}


def test_a_second_signal_that_is_not_ctrl_c_does_not_break_off_the_rollback(project: Tiny, first: str) -> None:
    before = project.footprint()
    project.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "echo checking; sleep 60"}}
    project.plan["environments"]["staging"]["checks"] = ["smoke"]
    project.change("two")
    running = project.start("run", "staging")
    running.until("│ checking")
    running.press_ctrl_c()
    running.until("rolling back")
    interrupted(running, Running.terminate)
    project.undo(first)
    assert project.answer() == "one"
    assert {**project.footprint(), "releases": None} == {**before, "releases": None}


def test_a_reader_that_goes_interrupts_nothing(project: Tiny, first: str) -> None:
    """As a `git push` whose connection drops."""
    project.change("heard by nobody")
    command = ["shipway", "run", "staging"]
    with subprocess.Popen(
        command, cwd=project.clone, env=project.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.close()
        code = running.wait(timeout=120)
    assert (code, project.answer()) == (141, "heard by nobody")
    assert project.deployments("staging")[0]["outcome"] == "succeeded"
    project.undo(first)
    project.shipway("rollback", "staging")
