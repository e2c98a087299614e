"""`shipway doctor`: somebody's hand has been at the engine; it is told in words, and put right."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from shipway.domain.errors import DriftFound
from tests.system.conftest import Make
from tests.system.tiny import Tiny, engine, visitors

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

WELL = "no drift\n"
Damage = Callable[[Tiny], None]


@pytest.fixture(scope="module")
def site(make: Make) -> Iterator[Tiny]:
    """Release 2 serves with two replicas and a worker, release 1 is on standby."""
    project = make(database=True)
    worker = {"build": "web", "command": "sleep 3600", "drain": "1s"}
    project.plan["services"] |= {"worker": worker}
    project.plan["services"]["web"] |= {"replicas": 2, "drain": "1s"}
    project.plan["environments"]["staging"]["standby"] = "1h"
    for name in ("one", "two"):
        project.change(name)
        project.shipway("run", "staging")
    yield project
    docker("rmi", "--force", f"{project.app}:by-hand")


def docker(*args: str) -> None:
    subprocess.run(["docker", *args], check=True, capture_output=True)


def named(project: Tiny, part: str) -> str:
    """The first container whose name has this part."""
    return min(name for name in project.containers() if f"_staging_{part}" in name)


def stop_a_worker(project: Tiny) -> None:
    docker("stop", "--time", "0", named(project, "worker_2-"))


def remove_a_worker(project: Tiny) -> None:
    docker("rm", "--force", named(project, "worker_2-"))


def stop_a_replica(project: Tiny) -> None:
    docker("stop", "--time", "0", named(project, "web_2-"))


def remove_a_replica(project: Tiny) -> None:
    docker("rm", "--force", named(project, "web_2-"))


def disconnect_a_replica(project: Tiny) -> None:
    docker("network", "disconnect", f"shipway_{project.app}_staging_rotation", named(project, "web_2-"))


def stop_the_database(project: Tiny) -> None:
    docker("stop", "--time", "5", named(project, "db"))


def stop_the_edge(project: Tiny) -> None:
    docker("stop", "--time", "5", "shipway-edge")


def run_a_stray(project: Tiny) -> None:
    ledger = project.ledger()
    labels = {
        "app": project.app,
        "environment": "staging",
        "role": "service",
        "name": "web",
        "release": "99",
        "ledger": ledger.identity(),
    }
    ledger.close()
    options = [part for name, value in labels.items() for part in ("--label", f"shipway.{name}={value}")]
    docker("run", "--detach", "--name", f"{project.app}_staging_web_99-stray_1", *options, "caddy:2", "sleep", "3600")


def run_another_image(project: Tiny) -> None:
    """Under the name and labels of the worker, as after `docker commit` of a change by hand."""
    name = named(project, "worker_2-")
    docker("commit", "--change", "ENV CHANGED=1", name, f"{project.app}:by-hand")
    config = engine(f"/containers/{name}/json")["Config"]
    docker("rm", "--force", name)
    options = [part for key, value in config["Labels"].items() for part in ("--label", f"{key}={value}")]
    docker("run", "--detach", "--name", name, *options, f"{project.app}:by-hand", "sleep", "3600")


DRIFT: list[tuple[Damage, str, str, bool]] = [  # and whether visitors feel it until it is repaired
    (stop_a_worker, "_staging_worker_2-", "doesn't run (exited)", False),
    (remove_a_worker, "_staging_worker_2-", "is missing", False),
    (stop_a_replica, "_staging_web_2-", "doesn't run (exited)", True),
    (remove_a_replica, "_staging_web_2-", "is missing", True),
    (disconnect_a_replica, "_staging_web_2-", "is unreachable for the edge", True),
    (stop_the_database, "_staging_db", "doesn't run (exited)", False),
    (stop_the_edge, "shipway-edge", "the edge is down", True),
    (run_a_stray, "_staging_web_99-stray_1", "belongs to no needed release (running)", False),
    (run_another_image, "_staging_worker_2-", "runs another image than 127.0.0.1:5055/", False),
]


OFTEN = (disconnect_a_replica, stop_the_edge, run_another_image)  # what the test of all at once doesn't have


@pytest.mark.parametrize(
    ("damage", "thing", "problem", "felt"),
    [pytest.param(*item, id=item[0].__name__, marks=[] if item[0] in OFTEN else pytest.mark.full) for item in DRIFT],
)
def test_drift_is_told_and_repaired(site: Tiny, damage: Damage, thing: str, problem: str, felt: bool) -> None:
    assert site.shipway("doctor", "staging").output.endswith(WELL)
    before = site.containers()
    damage(site)
    if damage is stop_the_edge:
        assert site.shipway("status").output.startswith("the edge is down: shipway-edge doesn't run")
    told = site.shipway("doctor", "staging", check=False)
    assert told.code == DriftFound.exit_code, told.output
    (line,) = (line for line in told.output.splitlines() if "✗" in line)
    assert thing in line
    assert problem in line
    assert "    --fix would " in told.output
    with visitors(site) as answers:
        fixed = site.shipway("doctor", "staging", "--fix")
        assert {site.answer() for _ in range(10)} == {"two"}
    assert fixed.output.count("; repaired") == 1
    assert fixed.output.endswith(WELL)
    assert site.shipway("doctor", "staging").output.endswith(WELL)
    assert site.containers() == before
    assert felt or set(answers) == {"two"}, "no request may be lost"


def test_all_of_it_at_once(site: Tiny) -> None:
    before = site.containers()
    for damage in (stop_a_worker, remove_a_replica, stop_the_database, run_a_stray):
        damage(site)
    told = site.json("doctor", "staging", code=DriftFound.exit_code)
    assert (len(told["found"]), told["fixed"]) == (4, [])
    assert len(site.json("doctor", "--fix")["fixed"]) == 4
    assert site.shipway("doctor").output.endswith(WELL)
    assert site.containers() == before


def test_all_was_stopped_and_the_networks_were_pruned(site: Tiny) -> None:
    """`docker network prune` removes networks that only stopped containers use; the engine doesn't start these then."""
    before = site.containers()
    running = [name for name, state in before.items() if state == "running"]
    edges = engine("/containers/json", filters=json.dumps({"label": ["shipway.role=edge"]}))
    docker("stop", "--time", "1", *(item["Id"] for item in edges), *running)
    for network in (f"shipway_{site.app}_staging", f"shipway_{site.app}_staging_rotation"):
        docker("network", "rm", network)
    told = site.shipway("doctor", "staging", check=False)
    assert told.code == DriftFound.exit_code, told.output
    fixed = site.shipway("doctor", "staging", "--fix")
    assert fixed.output.endswith(WELL)
    assert site.answer() == "two"
    assert site.psql("SELECT 1") == "1"
    names = [name for name, state in site.containers().items() if state == "running"]
    assert {name for name in running if "_web_1-" not in name} <= set(names)  # what stood by may be down
