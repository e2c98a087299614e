"""What a Swarm's manager is asked, by an engine that answers from a table."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shipway.domain.container import ContainerSpec
from shipway.domain.errors import EngineError
from shipway.domain.plan import LOCAL
from shipway.drivers.runtime import swarm, swarm_services
from shipway.drivers.runtime import swarm_spec as form
from shipway.drivers.runtime.engine import Engine, EngineRefused
from shipway.drivers.runtime.swarm import SwarmRuntime

AT = "2026-01-01T00:00:00Z"
NETWORK = {"Id": "n1", "Name": "shop", "Driver": "overlay", "Labels": {}}
TASK, EDGE = {form.TASK: "web"}, {"shipway.edge": "1"}


class Manager(Engine):
    """A node with one service and one overlay network, in which a task's container and another one are. version: of the
    service; others change it before the first `conflicts` updates."""

    api = (1, 41)

    def __init__(self, *, manages: bool = True, conflicts: int = 0) -> None:
        super().__init__()
        self.manages, self.conflicts = manages, conflicts
        self.updates: list[int] = []  # the replicas that each accepted one asked for
        self.refusals: list[str] = []  # of the next starts and attachments of containers
        self.left: list[str] = []  # names of containers that were disconnected
        self.networks: dict[str, dict[str, Any]] = {
            "n1": dict(NETWORK, Containers={"c1": {"Name": "web.1"}, "c2": {"Name": "edge"}})
        }
        self.containers: dict[str, Any] = {
            "c1": {"Id": "c1", "Config": {"Labels": TASK}},
            "c2": {"Id": "c2", "Config": {"Labels": EDGE}},
        }
        spec = form.service(ContainerSpec("web", "image", {}, nodes=(LOCAL,)), {"n1": ()}, [], self.api)
        self.services: list[dict[str, Any]] = [{"ID": "s1", "Version": {"Index": 1}, "CreatedAt": AT, "Spec": spec}]

    def call(self, method: str, path: str, **given: Any) -> Any:
        _, kind, *rest = path.split("/")
        if kind == "swarm" and not self.manages:
            raise EngineRefused("This node is not a swarm manager", 503)
        if rest[1:] in (["start"], ["connect"]) and self.refusals:
            raise EngineRefused(self.refusals.pop(0), 404)
        if kind == "networks" and rest[1:] == ["disconnect"]:
            self.left.append(given["body"]["Container"])
        elif kind == "networks" and method == "DELETE":
            del self.networks[rest[0]]
        elif kind == "networks":
            found: list[dict[str, Any]] = [
                item for item in self.networks.values() if rest in ([], [item["Id"]], [item["Name"]])
            ]
            return found if not rest else next(iter(found), None)
        elif kind == "containers":
            return self.containers.get(rest[0])
        elif kind == "services":
            found = [item for item in self.services if rest in ([], [item["ID"]], [item["Spec"]["Name"]])]
            return copy.deepcopy(found if not rest else next(iter(found), None))
        elif kind == "tasks":
            status = {"State": "running", "Timestamp": AT}
            return [{"ServiceID": "s1", "CreatedAt": AT, "DesiredState": "running", "Status": status}]
        return {}

    @contextmanager
    def open(self, method: str, path: str, **given: Any) -> Iterator[Any]:
        service = self.services[0]
        if self.conflicts:
            self.conflicts -= 1
            service["Version"] = {"Index": service["Version"]["Index"] + 1}
        if given["query"]["version"] != service["Version"]["Index"]:
            raise EngineRefused("rpc error: update out of sequence", 500)
        service |= {"Spec": given["body"], "Version": {"Index": service["Version"]["Index"] + 1}}
        self.updates.append(form.replicas(service))
        yield io.BytesIO(b"{}")


@pytest.mark.parametrize("conflicts", [0, 1, 3])
def test_a_service_is_changed_once(conflicts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where others change it meanwhile."""
    monkeypatch.setattr(swarm_services, "PAUSE", 0.0)
    manager = Manager(conflicts=conflicts)
    SwarmRuntime(manager).start("web")
    assert manager.updates == [1]


def test_a_service_that_others_change_all_the_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm_services, "PAUSE", 0.0)
    manager = Manager(conflicts=swarm_services.TURNS)
    with pytest.raises(EngineError, match="out of sequence"):
        SwarmRuntime(manager).start("web")
    assert manager.updates == []


def test_nothing_leaves_a_network_that_a_service_uses() -> None:
    manager = Manager()
    with pytest.raises(EngineError, match="it is in use by service web"):
        SwarmRuntime(manager).remove_network("shop")
    assert (manager.left, [*manager.networks]) == ([], ["n1"])


def test_a_network_without_services_is_removed() -> None:
    manager = Manager()
    manager.services.clear()
    SwarmRuntime(manager).remove_network("shop")
    assert (manager.left, [*manager.networks]) == (["edge"], [])


def test_a_worker_takes_no_task_out_of_a_network() -> None:
    """It knows no services: those of another release may be in it."""
    manager = Manager(manages=False)
    SwarmRuntime(manager).remove_network("shop")
    assert (manager.left, [*manager.networks]) == (["edge"], ["n1"])


@pytest.mark.parametrize(
    "refused", ["network ihbluz0q1brly01qoazle2lxq not found", "attaching to network failed, make sure …"]
)
def test_a_node_that_is_back_is_given_time_to_know_its_networks(refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "PAUSE", 0.0)
    manager = Manager(manages=False)
    manager.containers["c2"] |= {
        "Name": "/edge", "State": {"Running": False}, "NetworkSettings": {"Networks": {}},
    }  # fmt: skip
    runtime = SwarmRuntime(manager)
    manager.refusals = [refused] * 3
    runtime.start("c2")
    assert manager.refusals == []
    manager.refusals = [refused] * 3
    runtime.connect("n1", "c2")
    assert manager.refusals == []


def test_a_node_that_never_knows_its_networks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "ATTACHED", 0.0)
    manager = Manager(manages=False)
    manager.refusals = ["attaching to network failed, make sure …"] * 3
    with pytest.raises(EngineError, match="attaching to network failed"):
        SwarmRuntime(manager).start("c2")


def test_a_missing_network_of_one_host_is_told_at_once() -> None:
    manager = Manager(manages=False)
    manager.containers["c2"] |= {"NetworkSettings": {"Networks": {}}}
    manager.refusals = [f"network {'0a' * 32} not found"]
    with pytest.raises(EngineError, match="not found"):
        SwarmRuntime(manager).start("c2")
