"""Which hosts are down, and which of several managers a service is found through."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, ContainerSpec
from shipway.domain.errors import EngineError
from shipway.drivers.runtime import swarm_nodes
from shipway.drivers.runtime import swarm_spec as form
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine, EngineRefused
from shipway.drivers.runtime.swarm import SwarmRuntime

A, B, C = "ssh://a", "ssh://b", "ssh://c"
HOSTS = (A, B, C)
OWN = {LABEL_APP: "shop", LABEL_ENVIRONMENT: "staging"}


class Swarm:
    """Nodes by id with their states; the host of each, of which some can't be reached."""

    def __init__(self) -> None:
        self.nodes = {"ida": "ready", "idb": "ready", "idc": "ready"}
        self.drained: set[str] = set()
        self.hosts = {A: "ida", B: "idb", C: "idc"}
        self.away: set[str] = set()
        self.asked: list[str] = []
        self.services: list[dict[str, Any]] = []
        self.files: dict[str, list[dict[str, str]]] = {}  # labels of secrets and configs
        self.removed: list[str] = []

    def add(self, name: str, hosts: tuple[str, ...], ids: tuple[str, ...] = (), **labels: str) -> None:
        spec = form.service(ContainerSpec(name, "image", {**OWN, **labels}, nodes=hosts), {}, [], (1, 41), ids)
        at = f"2026-01-01T00:00:{len(self.services):02}Z"
        self.services.append({"ID": f"id-{name}", "Version": {"Index": 1}, "CreatedAt": at, "Spec": spec})

    def runtime(self, host: str, *, manages: bool = True) -> SwarmRuntime:
        return SwarmRuntime(Node(self, host, manages=manages), host, self._other)

    def _other(self, host: str) -> DockerRuntime:
        self.asked.append(host)
        if host in self.away:
            raise EngineError(f"{host} can't be reached")
        return DockerRuntime(Node(self, host, manages=False))


class Node(Engine):
    api = (1, 41)

    def __init__(self, swarm: Swarm, host: str, *, manages: bool) -> None:
        super().__init__()
        self.swarm, self.host, self.manages = swarm, host, manages

    def call(self, method: str, path: str, **given: Any) -> Any:
        _, kind, *rest = path.split("/")
        if kind == "swarm" and not self.manages:
            raise EngineRefused("This node is not a swarm manager", 503)
        if kind == "info":
            node = self.swarm.hosts[self.host]
            return {"Swarm": {"LocalNodeState": "active", "NodeID": node, "ControlAvailable": self.manages}}
        if kind == "nodes":
            return [
                {
                    "ID": name,
                    "Status": {"State": state},
                    "Spec": {"Availability": "drain" if name in self.swarm.drained else "active"},
                    "Description": {"Hostname": f"node {name}"},
                }
                for name, state in self.swarm.nodes.items()
            ]
        if kind == "services":
            if rest:
                found = [item for item in self.swarm.services if rest[0] in (item["ID"], item["Spec"]["Name"])]
                return copy.deepcopy(next(iter(found), None))
            wanted = given.get("query", {}).get("filters", "")
            found = [item for item in self.swarm.services if _carries(item["Spec"]["Labels"], wanted)]
            return copy.deepcopy(found)
        if method == "DELETE":
            self.swarm.removed.append(f"{kind} {rest[0]}")
        if kind in ("secrets", "configs") and not rest:
            wanted = given["query"]["filters"]
            return [
                {"ID": str(at), "Spec": {"Labels": labels}}
                for at, labels in enumerate(self.swarm.files.get(kind, ()))
                if _carries(labels, wanted)
            ]
        return None if rest and rest != ["json"] else []

    @contextmanager
    def open(self, method: str, path: str, **given: Any) -> Iterator[Any]:
        service = next(item for item in self.swarm.services if item["ID"] == path.split("/")[2])
        service |= {"Spec": given["body"], "Version": {"Index": service["Version"]["Index"] + 1}}
        yield io.BytesIO(b"{}")


def _carries(labels: dict[str, str], filters: str) -> bool:
    wanted = json.loads(filters)["label"] if filters else []
    return all(
        (item in labels) if "=" not in item else item in [f"{k}={v}" for k, v in labels.items()] for item in wanted
    )


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> Swarm:
    monkeypatch.setattr(swarm_nodes, "PAUSE", 0.0)
    monkeypatch.setattr(swarm_nodes, "NOTICED", 0.05)
    return Swarm()


def lose(swarm: Swarm, host: str, state: str = "down") -> None:
    swarm.away.add(host)
    swarm.nodes[swarm.hosts[host]] = state


def nodes_of(runtime: SwarmRuntime) -> swarm_nodes.SwarmNodes:
    return cast(Any, runtime)._nodes  # type: ignore[no-any-return]


@pytest.mark.parametrize("known", [True, False])
def test_a_host_is_down_if_its_node_is(swarm: Swarm, known: bool) -> None:
    """By what a service remembers, else as the only one that is left."""
    if known:
        swarm.add("web", HOSTS, ("ida", "idb", "idc"))
    lose(swarm, B)
    assert swarm.runtime(A).down([B], HOSTS) == {B}
    assert swarm.runtime(B, manages=False).down([B], HOSTS) == frozenset()


@pytest.mark.parametrize("known", [True, False])
def test_a_node_that_is_up_is_not(swarm: Swarm, known: bool) -> None:
    """It may serve visitors; also where it takes no tasks."""
    if known:
        swarm.add("web", HOSTS, ("ida", "idb", "idc"))
    lose(swarm, B, "ready")
    assert swarm.runtime(A).down([B], HOSTS) == frozenset()
    swarm.drained.add("idb")
    assert swarm.runtime(A).down([B], HOSTS) == frozenset()


def test_one_that_has_joined_again_is_not(swarm: Swarm) -> None:
    """Its former node stays in the list, and is down."""
    swarm.add("web", HOSTS, ("ida", "idb", "idc"))
    lose(swarm, B)
    swarm.nodes["new"] = "ready"
    assert swarm.runtime(A).down([B], HOSTS) == frozenset()
    swarm.nodes["new"] = "down"
    assert swarm.runtime(A).down([B], HOSTS) == {B}


def test_a_manager_beside_the_hosts_hides_no_host_that_is_known(swarm: Swarm) -> None:
    swarm.add("web", HOSTS, ("ida", "idb", "idc"))
    swarm.nodes["manager"] = "ready"
    swarm.drained.add("manager")
    lose(swarm, B)
    assert swarm.runtime(A).down([B], HOSTS) == {B}
    assert swarm.runtime(A).down([B], (A, B)) == frozenset(), "idc takes tasks, and is no host of the environment"


def test_of_two_one_may_be_down(swarm: Swarm) -> None:
    swarm.add("web", HOSTS, ("ida", "idb", "idc"))
    lose(swarm, B)
    lose(swarm, C, "ready")
    assert swarm.runtime(A).down([B, C], HOSTS) == {B}


def test_the_swarm_needs_a_while_to_notice(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm_nodes, "NOTICED", 30.0)
    lose(swarm, B, "ready")
    monkeypatch.setattr(
        "shipway.drivers.runtime.swarm_nodes.time.sleep", lambda seconds: swarm.nodes.update(idb="down")
    )
    assert swarm.runtime(A).down([B], HOSTS) == {B}


def test_services_are_created_without_a_host_that_is_down(swarm: Swarm) -> None:
    """And remember its node; it is asked once."""
    swarm.add("web", HOSTS, ("ida", "idb", "idc"))
    lose(swarm, B)
    runtime = swarm.runtime(A)
    for _ in range(3):
        nodes_of(runtime).require(HOSTS)
        assert nodes_of(runtime).ids(HOSTS) == ["ida", "idb", "idc"]
    assert swarm.asked.count(B) == 1


def test_one_that_is_up_and_can_not_be_reached_is_needed(swarm: Swarm) -> None:
    lose(swarm, B, "ready")
    with pytest.raises(EngineError, match="ssh://b can't be reached"):
        nodes_of(swarm.runtime(A)).require(HOSTS)


def test_a_task_is_found_without_asking_every_host(swarm: Swarm) -> None:
    lose(swarm, B)
    swarm.add("web", HOSTS, ("ida", "", "idc"))
    nodes = nodes_of(swarm.runtime(A))
    assert nodes.host_of("idc", HOSTS, form.nodes(swarm.services[0])) == C
    assert swarm.asked == []
    assert form.nodes(swarm.services[0]) == {A: "ida", C: "idc"}


def names(runtime: SwarmRuntime) -> list[str]:
    return [item["Spec"]["Name"] for item in runtime._services(OWN)]


def test_one_manager_shows_the_services_of_an_environment(swarm: Swarm) -> None:
    """Another one once it claims them; nothing else changes hands."""
    swarm.add("web", HOSTS)
    swarm.add("theirs", HOSTS, (), **{LABEL_APP: "other"})
    swarm.services.append(
        {"ID": "x", "Version": {"Index": 1}, "CreatedAt": "2026", "Spec": {"Name": "strange", "Labels": dict(OWN)}}
    )
    before = copy.deepcopy(swarm.services)
    first, second, worker = swarm.runtime(A), swarm.runtime(B), swarm.runtime(C, manages=False)
    assert (names(first), names(second)) == (["web"], [])
    assert not worker.claim(OWN, (C, A, B))
    assert second.claim(OWN, (B, A, C))
    assert (names(first), names(second)) == ([], ["web"])
    assert swarm.services[1:] == before[1:]
    assert form.replicas(swarm.services[0]) == form.replicas(before[0])


def test_a_service_that_another_manager_created_is_kept_and_claimed(swarm: Swarm) -> None:
    """After the order of `hosts` changed, the same release has the same names."""
    swarm.add("web", HOSTS, (), **{"shipway.config": "c"})
    spec = ContainerSpec("web", "image", {**OWN, "shipway.config": "c"}, nodes=(B, A, C))
    assert swarm.runtime(B).create(spec) == "id-web"
    assert (names(swarm.runtime(A)), names(swarm.runtime(B))) == ([], ["web"])
    swarm.runtime(A).remove("web")
    assert [item["ID"] for item in swarm.services] == ["id-web"], "it belongs to the other one now"


def test_what_a_dead_process_left_is_removed(swarm: Swarm) -> None:
    """Files and networks of services that are gone, and what read an image; nothing of others."""
    swarm.add("web", HOSTS)
    swarm.files = {
        "secrets": [{form.TASK: "web", **OWN}, {form.TASK: "gone", **OWN}],
        "configs": [{form.TASK: "gone", **OWN}, {form.TASK: "gone", **OWN, LABEL_APP: "other"}],
    }
    swarm.runtime(B, manages=False).remove_leftovers(OWN)
    assert swarm.removed == []
    swarm.runtime(A).remove_leftovers(OWN)
    assert swarm.removed == ["secrets 1", "configs 0"]


def test_a_node_that_was_promoted_a_moment_ago_manages(swarm: Swarm) -> None:
    """It may have been asked before it was a manager."""
    swarm.add("web", HOSTS, (), **{"shipway.config": "c"})
    node = Node(swarm, A, manages=False)
    runtime = SwarmRuntime(node, A, swarm._other)
    assert names(runtime) == []
    node.manages = True
    runtime.create(ContainerSpec("web", "image", {**OWN, "shipway.config": "c"}, nodes=HOSTS))
    assert names(runtime) == ["web"]
