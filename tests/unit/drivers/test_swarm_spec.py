"""What a Swarm reports of a service, as a container."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.domain.container import ContainerSpec
from shipway.drivers.runtime import swarm_spec as form

AT = "2026-01-01T00:00:0{}Z"


def service(replicas: int = 1, *, labels: dict[str, str] | None = None, restart: bool = True) -> dict[str, Any]:
    spec = ContainerSpec("a", "image", {"x": "1"}, restart=restart, nodes=("local", "ssh://b"))
    body = form.service(spec, {}, [], (1, 41))
    body["Mode"] = {"Replicated": {"Replicas": replicas}}
    body["Labels"] |= labels or {}
    return {"ID": "1", "Spec": body, "CreatedAt": AT.format(0)}


def task(number: int, state: str, desired: str = "running", code: int | None = None) -> dict[str, Any]:
    status = {"State": state, "Timestamp": AT.format(number), "ContainerStatus": {"ExitCode": code}}
    return {"CreatedAt": AT.format(number), "DesiredState": desired, "Status": status}


@pytest.mark.parametrize(
    ("found", "tasks", "state", "restarts"),
    [
        (service(0), [], "created", 0),
        (service(0, labels={form.STARTED: "1"}), [], "exited", 0),
        (service(), [task(1, "running")], "running", 0),
        (service(), [task(1, "failed", "shutdown", 3), task(2, "running")], "running", 1),
        (service(), [task(1, "failed", "shutdown", 3), task(2, "ready")], "restarting", 1),
        # Its node is lost: the Swarm still lists the old task, and places a new one.
        (service(), [task(1, "running", "shutdown"), task(2, "pending")], "created", 0),
        (service(restart=False), [task(1, "failed", "shutdown", 3)], "exited", 0),
    ],
)
def test_states(found: dict[str, Any], tasks: list[dict[str, Any]], state: str, restarts: int) -> None:
    info = form.info(found, tasks)
    assert (info.state, info.restarts, info.labels) == (state, restarts, {"x": "1"})
    assert form.hosts(found) == ["local", "ssh://b"]


def test_the_exit_code_of_what_has_ended() -> None:
    assert form.info(service(restart=False), [task(1, "failed", "shutdown", 3)]).exit_code == 3
    assert form.info(service(), [task(1, "running", code=0)]).exit_code is None


def test_an_image_s_own_health_check_holds_no_task_back() -> None:
    container = service()["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert container["Healthcheck"] == {"Test": ["NONE"]}
