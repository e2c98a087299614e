"""The release before stays warm: a rollback is one switch, and its time ends by itself."""

from __future__ import annotations

import json
import time

import pytest

from tests.system.conftest import Make
from tests.system.tiny import Tiny, engine, soon, visitors

pytestmark = pytest.mark.engine


@pytest.fixture
def project(make: Make) -> Tiny:
    """Two releases: the second serves, the first is on standby."""
    made = make()
    made.plan["services"]["web"]["drain"] = "1s"
    made.plan["environments"]["staging"]["standby"] = "25s"
    for name in ("one", "two"):
        made.change(name)
        made.shipway("run", "staging")
    return made


def started(project: Tiny) -> dict[str, str]:
    """When each service container was started last."""
    return {
        name: engine(f"/containers/{name}/json")["State"]["StartedAt"] for name in project.containers(role="service")
    }


def test_a_rollback_onto_it_starts_nothing_and_loses_no_request(project: Tiny) -> None:
    before = started(project)
    assert set(project.containers(role="service").values()) == {"running"}
    assert "release 1      on standby until" in project.shipway("status").output
    with visitors(project) as answers:
        done = project.shipway("rollback", "staging")
    assert "on standby for a rollback" in done.output
    assert project.answer() == "one"
    assert set(answers) <= {"one", "two"}
    assert started(project) == before


def told(project: Tiny, container: str) -> list[str]:
    """What happened to a container, and to it in the rotation network, in order."""
    found = engine(f"/containers/{container}/json")
    words = ["docker", "events", "--since", found["Created"], "--until", f"{time.time():.3f}", "--format", "{{json .}}"]
    events = [json.loads(line) for line in project.command(*words, check=True).output.splitlines()]
    actors = [(item["Action"], item["Actor"]["ID"], item["Actor"]["Attributes"]) for item in events]
    return [
        action for action, of, own in actors
        if of == found["Id"] or (own.get("container") == found["Id"] and own["name"].endswith("_rotation"))
    ]  # fmt: skip


def test_its_time_ends_by_itself(project: Tiny) -> None:
    first = next(name for name in project.containers(role="service") if "_web_1-" in name)
    soon(lambda: project.containers(role="service")[first] == "exited", 240)
    seen = told(project, first)
    # it left the rotation once the requests that it has begun must have ended, and ran on until its time was over
    assert seen.index("disconnect") < seen.index("kill"), seen
    assert project.answer() == "two"
    assert "one" in project.shipway("rollback", "staging").output or project.answer() == "one"


def test_it_can_be_ended_by_hand(project: Tiny) -> None:
    assert "1 container stopped" in project.shipway("retire", "staging").output
    assert sorted(project.containers(role="service").values()) == ["exited", "running"]
    assert "nothing is on standby" in project.shipway("retire", "staging").output
