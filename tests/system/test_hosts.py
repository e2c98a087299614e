"""Several hosts by SSH: one release on all of them, or on none."""

from __future__ import annotations

import re
import signal
import time

import pytest

from shipway.actions.schedules.container import name_of
from shipway.domain.errors import DeployFailed, DriftFound
from shipway.domain.scheduled_run import ScheduledRun
from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.test_every_day import Terminal
from tests.system.tiny import Tiny, just_past

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(900)]

URL = "http://shop.example:8080"
OWNERS = {
    "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
    "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
}


@pytest.fixture(scope="module")
def shop(make: Make, nodes: Nodes) -> Tiny:
    """Version one on node1, which has the database, and node2."""
    nodes.load("node1", "caddy:2", "traefik:v3", "postgres:15")
    nodes.load("node2", "caddy:2", "traefik:v3")
    project = make(database=True)
    project.plan["services"]["web"]["replicas"] = 2
    project.plan["environments"]["staging"] |= {
        "url": URL,
        "hosts": [{"host": "ssh://node1", "address": nodes.address("node1")}, "ssh://node2"],
        "standby": "10m",
    }
    project.env["PATH"] = f"{nodes.bin}:{project.env['PATH']}"
    project.protect()
    project.change("one")
    project.shipway("run", "staging")
    return project


def answers(nodes: Nodes) -> list[str]:
    return [nodes.ask(name, URL) for name in nodes.names]


def running(nodes: Nodes, node: str, project: Tiny) -> list[str]:
    """Names of the app's containers on a host, by service and release."""
    found = nodes.ssh(node, f"docker ps --filter label=shipway.app={project.app} --format '{{{{.Names}}}}'").split()
    return sorted(name.removeprefix(f"{project.app}_staging_").partition("-")[0] for name in found)


def test_every_host_serves_and_the_first_has_the_database(shop: Tiny, nodes: Nodes) -> None:
    assert answers(nodes) == ["one", "one"]
    assert running(nodes, "node1", shop) == ["db", "web_1", "web_1"]
    assert running(nodes, "node2", shop) == ["web_1", "web_1"]
    reach = "docker exec $(docker ps -q --filter label=shipway.name=web | head -1) sh -c '"
    reach += "rest=${DATABASE_URL##*@}; at=${rest%%/*}; nc -w 5 ${at%%:*} ${at##*:} </dev/null && echo $at'"
    there = nodes.ssh("node2", reach).strip()
    assert there.startswith(nodes.address("node1") + ":2")
    assert nodes.ssh("node1", reach).strip() == "db:5432"
    status = shop.status("staging")
    assert (status["services"], status["away"]) == ({"web": [4, 4]}, [])
    assert "no drift" in shop.shipway("doctor", "staging").output


def test_a_release_and_a_rollback_reach_all_hosts_without_a_lost_request(shop: Tiny, nodes: Nodes) -> None:
    shop.change("two", files=OWNERS)
    with nodes.visitors(URL) as heard:
        done = shop.shipway("run", "staging")
        assert answers(nodes) == ["two", "two"]
        back = shop.shipway("rollback", "staging")
        assert answers(nodes) == ["one", "one"]
    assert "ssh://node2  create" in done.output, "a changeset names the hosts"
    assert "migrate" in done.output
    assert "0002 → 0001" in back.output
    assert all(set(each) == {"one", "two"} for each in heard.values()), heard


def test_what_fails_on_one_host_is_taken_back_on_all(shop: Tiny, nodes: Nodes) -> None:
    before = [running(nodes, name, shop) for name in nodes.names]
    # On the first host the database is `db`, elsewhere an address: the new release doesn't know what to do with that.
    picky = "case $DATABASE_URL in *@db:*) exec caddy run --config Caddyfile --adapter caddyfile;; esac; echo no database here; exit 9"
    shop.plan["services"]["web"]["command"] = f"sh -c '{picky}'"
    shop.change("three")
    with nodes.visitors(URL) as heard:
        done = shop.shipway("run", "staging", check=False)
    del shop.plan["services"]["web"]["command"]
    assert done.code == DeployFailed.exit_code, done.output
    assert "ssh://node2: " in done.output
    assert re.search(r": it exited( with code 9|, and the Docker Engine restarted it)", done.output), done.output
    assert "no database here" in done.output
    assert all(set(each) == {"one"} for each in heard.values())
    assert [running(nodes, name, shop) for name in nodes.names] == before


def test_a_host_that_vanishes_in_the_middle(shop: Tiny, nodes: Nodes) -> None:
    shop.change("four")
    with nodes.visitors(URL, "node1") as heard:
        deploying = shop.start("run", "staging")
        deploying.until("▸ start")
        with nodes.killed("node2"):
            done = deploying.end(seconds=120)
            assert done.code != 0
            assert "node2" in done.output
            assert nodes.ask("node1", URL) == "one"
            assert "ssh://node2" in " ".join(shop.status("staging")["away"])
            drift = shop.shipway("doctor", "staging", check=False)
            assert drift.code == DriftFound.exit_code
            assert "node2" in drift.output
    assert set(heard["node1"]) <= {"one", "four"}, "nobody is turned away where the host is up"
    deadline = time.monotonic() + 30
    while nodes.ask("node2", URL) != "one" and time.monotonic() < deadline:
        time.sleep(0.5)  # its engine starts the containers again by itself
    shop.shipway("doctor", "--fix", "--wait", "30", "staging")  # its own caretaker may be at it
    assert "no drift" in shop.shipway("doctor", "staging").output
    assert answers(nodes) == ["one", "one"]
    shop.shipway("run", "staging")
    assert answers(nodes) == ["four", "four"]


def test_without_the_host_nothing_is_begun(shop: Tiny, nodes: Nodes) -> None:
    before = shop.deployments("staging")
    shop.change("five")
    with nodes.silenced("node2"):
        done = shop.shipway("run", "staging", check=False)
    assert done.code != 0
    assert "ssh://node2" in done.output
    assert shop.deployments("staging") == before
    assert answers(nodes) == ["four", "four"]


def test_logs_and_commands_of_all_hosts(shop: Tiny, nodes: Nodes) -> None:
    lines = shop.shipway("logs", "staging", "web", "--grep", "I am").output.splitlines()
    assert {line.split()[0] for line in lines} == {"node1", "node2"}
    script = 'echo on $SHIPWAY_ENVIRONMENT; until size=$(stty size 2>/dev/null) && [ "$size" ]; do sleep 0.1; done; echo $size; exit 5'
    done = shop.shipway(
        "exec", "staging", "web", "--", "sh", "-c", "cat; echo on $SHIPWAY_ENVIRONMENT; exit 5", check=False
    )
    assert (done.code, done.output) == (5, "on staging\n")
    with Terminal(shop, "exec", "staging", "web", "--", "sh", "-c", script) as shell:
        shell.until(r"on staging\r\n40 100\r\n")
        assert shell.end() == 5
    assert "node2" in shop.shipway("ps", "staging").output


def test_jobs_run_once_on_two_hosts_while_a_controller_dies(shop: Tiny, nodes: Nodes) -> None:
    jobs = {name: {"service": "web", "run": "sleep 1; echo done", "at": just_past()} for name in "abc"}
    shop.plan["environments"]["staging"]["schedules"] = jobs
    shop.change("six")
    shop.shipway("run", "staging")
    shop.age()
    since = nodes.ssh("node1", "date +%s").strip()
    shop.env["SHIPWAY_TEST_DIE"] = "9,after"  # a is started, b is created, c is claimed
    assert shop.shipway("tick", check=False).code == -signal.SIGKILL
    del shop.env["SHIPWAY_TEST_DIE"]
    others = [shop.start("tick"), shop.start("tick")]
    output = "".join(other.end(seconds=60).output for other in others)
    assert "claimed it, but did not start it" in output
    deadline = time.monotonic() + 60
    while pending := scheduled(shop, pending=True):
        assert time.monotonic() < deadline, pending
        shop.shipway("tick")
    runs = scheduled(shop)
    assert {(run.outcome, run.attempt, run.host) for run in runs} == {("succeeded", 0, "ssh://node1")}
    assert len({(run.schedule, run.due) for run in runs}) == len(runs) == 3
    events = "docker events --since {} --until $(date +%s) --filter event=start --filter label=shipway.role=schedule --format '{{{{.Actor.Attributes.name}}}}'"
    started = {name: nodes.ssh(name, events.format(since)).split() for name in nodes.names}
    assert sorted(started["node1"]) == sorted(name_of(run) for run in runs)
    assert started["node2"] == []


def scheduled(shop: Tiny, *, pending: bool = False) -> list[ScheduledRun]:
    ledger = shop.ledger()
    runs = [run for name in "abc" for run in ledger.scheduled_runs(shop.app, "staging", name)]
    ledger.close()
    return [run for run in runs if not pending or not run.finished]
