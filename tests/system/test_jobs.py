"""Jobs on a schedule, one-off tasks of a deployment, and migrations behind a session that holds a lock."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shipway.domain.errors import MigrationFailed, StepFailed
from shipway.domain.release import SUCCEEDED
from tests.system.conftest import Make
from tests.system.tiny import Tiny, just_past

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

CLIENT = {
    "image": "postgres:15",
    "entrypoint": "sleep",
    "command": "infinity",
    "stop": "0s",
}  # a worker whose image has psql
OWNERS = {
    "web/migrations/0002_owner.up.sql": "ALTER TABLE pets ADD COLUMN owner text;\n",
    "web/migrations/0002_owner.down.sql": "ALTER TABLE pets DROP COLUMN owner;\n",
}


def insert(name: str) -> str:
    """A command that leaves a row."""
    return f'psql "$DATABASE_URL" -qc "INSERT INTO pets (name) VALUES (\'{name}\')"'


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Version one, with a worker."""
    project = make(database=True)
    project.plan["services"]["client"] = CLIENT
    project.change("one")
    project.shipway("run", "staging")
    return project


def pets(shop: Tiny) -> list[str]:
    return shop.psql("SELECT name FROM pets ORDER BY name").split()


def test_tasks_run_around_the_switch_and_one_that_fails_before_it_reverts_the_deployment(shop: Tiny) -> None:
    staging = shop.plan["environments"]["staging"]
    staging |= {"before_switch": {"service": "client", "run": insert("before")}}
    staging |= {"after_deploy": [{"service": "client", "run": insert("after")}]}
    shop.change("two")
    done = shop.shipway("run", "staging")
    assert done.output.index("▸ task") < done.output.index("▸ start") < done.output.rindex("▸ task")
    assert (shop.answer(), pets(shop)) == ("two", ["after", "before"])

    staging["before_switch"]["run"] = "echo no way; exit 4"
    shop.change("three", files=OWNERS)
    failed = shop.shipway("run", "staging", check=False)
    assert failed.code == StepFailed.exit_code, failed.output
    assert "the task `echo no way; exit 4` exited with 4" in failed.output
    assert (shop.answer(), pets(shop)) == ("two", ["after", "before"])
    assert shop.psql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'pets'") == "1"

    for name in OWNERS:
        (shop.clone / name).unlink()
    del staging["before_switch"], staging["after_deploy"]
    assert not [name for name in shop.containers() if "_job_" in name]


@pytest.mark.full
def test_a_task_that_fails_after_the_deployment_is_reported_and_the_release_serves(shop: Tiny) -> None:
    staging = shop.plan["environments"]["staging"]
    staging["after_deploy"] = {"service": "client", "run": "exit 5"}
    shop.change("four")
    reported = shop.shipway("run", "staging", check=False)
    del staging["after_deploy"]
    assert reported.code == StepFailed.exit_code, reported.output
    assert "serves, but the task `exit 5` exited with 5" in reported.output
    assert shop.answer() == "four"
    assert shop.deployments("staging")[0]["outcome"] == SUCCEEDED


def test_a_job_runs_at_its_time_and_when_a_person_wants(shop: Tiny) -> None:
    shop.psql("DELETE FROM pets")
    shop.plan["environments"]["staging"]["schedules"] = {
        "digest": {"service": "client", "run": f"echo I count; {insert('digest')}", "at": just_past(2)},
        "report": {"service": "client", "run": "echo broken; exit 7", "at": "0 6 1 1 *", "zone": "Europe/Berlin"},
    }
    shop.change("five")
    shop.shipway("run", "staging")
    listed = shop.shipway("schedules", "staging").output
    assert "0 6 1 1 *" in listed
    assert "06:00 CET" in listed

    run = shop.shipway("schedules", "run", "staging", "digest", "--reason", "try it")
    assert "digest       │ I count" in run.output
    assert pets(shop) == ["digest"]
    failed = shop.shipway("schedules", "run", "staging", "report", check=False)
    assert (failed.code, "report exited with 7" in failed.output) == (StepFailed.exit_code, True), failed.output

    shop.age()
    started = shop.shipway("tick")
    assert f"{shop.app}/staging digest of " in started.output
    assert "1 earlier run missed since" in started.output
    assert "has no app 'another'" in shop.shipway("tick", "--app", "another", check=False).output
    finished(shop, "digest", 2)
    assert len(pets(shop)) == 2
    [last, first] = shop.json("schedules", "staging", "digest")[0]["runs"][:2]
    assert (last["outcome"], last["exit_code"], last["log"], last["missed"]) == ("succeeded", 0, "I count", 1)
    assert (first["reason"], first["actor"]) == ("try it", "ada@example.org")
    assert "I count" in shop.shipway("schedules", "staging", "digest").output
    assert not [name for name in shop.containers() if "_schedule_" in name]
    del shop.plan["environments"]["staging"]["schedules"]


def finished(shop: Tiny, name: str, runs: int) -> None:
    """Tick until this many runs of a job have ended."""
    deadline = time.monotonic() + 60
    while True:
        shop.shipway("tick", check=False)
        ledger = shop.ledger()
        ended = [run for run in ledger.scheduled_runs(shop.app, "staging", name) if run.finished]
        ledger.close()
        if len(ended) >= runs:
            return
        assert time.monotonic() < deadline
        time.sleep(0.5)


# migrations and locks


@contextmanager
def holding(shop: Tiny) -> Iterator[None]:
    """A forgotten session with a lock on pets, until the block ends."""
    sql = "BEGIN; SELECT count(*) FROM pets WHERE name = 'private'; SELECT pg_sleep(300)"
    session = subprocess.Popen(
        psql(shop, "-c", "SET application_name = 'forgotten'", "-c", sql), stdout=subprocess.DEVNULL
    )
    taken = "SELECT count(*) FROM pg_locks JOIN pg_class c ON c.oid = relation WHERE relname = 'pets' AND granted"
    deadline = time.monotonic() + 30
    while shop.psql(taken) == "0":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    try:
        yield
    finally:
        shop.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'forgotten'")
        session.wait(30)


def psql(shop: Tiny, *more: str) -> list[str]:
    name = shop.app.replace("-", "_")
    return ["docker", "exec", f"{shop.app}_staging_db", "psql", "-X", "-q", "-U", name, *more]


@contextmanager
def requests(shop: Tiny) -> Iterator[list[str]]:
    """Read the table again and again meanwhile; yields the errors, such as of a wait for more than 5 s."""
    errors: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.05):
            done = subprocess.run(
                psql(shop, "-c", "SET lock_timeout = '5s'", "-c", "SELECT count(*) FROM pets"), capture_output=True, text=True, check=False
            )  # fmt: skip
            errors.extend([done.stderr] if done.returncode else [])

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield errors
    finally:
        over.set()
        thread.join()


def test_requests_do_not_wait_behind_a_migration_that_waits_for_a_lock(shop: Tiny) -> None:
    shop.plan["database"] |= {"lock_timeout": "500ms", "lock_pause": "300ms", "lock_retries": 1000}
    shop.change("six", files=OWNERS)
    with requests(shop) as errors:
        with holding(shop):
            deploying = shop.start("run", "staging")
            deploying.until("998 remaining", seconds=90)
        done = deploying.end(seconds=90)
    assert done.code == 0, done.output
    assert errors == []
    assert re.search(
        r"held by process \d+ \(user \w+, application forgotten\), active, in a transaction since", done.output
    )
    assert "name = '…'; SELECT pg_sleep" in done.output
    assert "private" not in done.output
    assert shop.answer() == "six"
    assert shop.psql("SELECT count(owner) FROM pets") == "0"


@pytest.mark.full
def test_without_the_lock_nothing_is_deployed(shop: Tiny) -> None:
    before = shop.answer()
    shop.plan["database"] |= {"lock_timeout": "500ms", "lock_retries": 0}
    shop.change("seven", files={"web/migrations/0003_age.up.sql": "ALTER TABLE pets ADD COLUMN age int;\n"})
    with holding(shop):
        failed = shop.shipway("run", "staging", check=False)
    assert failed.code == MigrationFailed.exit_code, failed.output
    assert "didn't get a lock in 1 attempt of 0.5 s" in failed.output
    assert "application forgotten" in failed.output
    assert "this ends that session: SELECT pg_terminate_backend(" in failed.output
    assert shop.answer() == before
