"""Where the story of the reference application is told: on this machine's engine, on a Swarm, in a cluster of Kubernetes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from examples.project import Project, get
from shipway.drivers import driver
from shipway.drivers.platform.object_names import RELEASE
from tests import cluster_dns, cluster_ingress, kubernetes, outer_engine
from tests.kubernetes import TestCluster
from tests.nodes import Nodes
from tests.system.swarms import let_reach, placed_on, swarm_of


class OneMachine:
    """This machine's own engine: what the plan of the reference application says."""

    name = "docker"
    unhealthy: tuple[str, ...] = ("GET /healthz: 503", "the shelves are empty")  # what is said of a broken release

    def adjust(self, plan: dict[str, Any]) -> None:
        """Change the plan so that it runs here."""

    def prepare(self, project: Project) -> None:
        """Before the first command."""

    def get(self, url: str) -> tuple[int, str]:
        """Status and body of a visitor's request; status 0: no answer."""
        return get(url)

    def images(self, app: str, environment: str) -> dict[str, str]:
        """Image of each running service, as the platform itself says."""
        runtime = driver("runtime", "docker")(driver("runtime", "engine")())
        labels = {"shipway.app": app, "shipway.environment": environment, "shipway.role": "service"}
        return {item.labels["shipway.name"]: item.image for item in runtime.list(labels) if item.running}


class Swarm(OneMachine):
    """Both environments on the nodes of one Docker Swarm; visitors come to each node in turn."""

    name = "swarm"

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self._turns = itertools.cycle(nodes.names)

    def adjust(self, plan: dict[str, Any]) -> None:
        for environment in plan["environments"].values():
            environment |= {"url": _public(environment["url"]), **placed_on(self.nodes)}

    def prepare(self, project: Project) -> None:
        let_reach(project, self.nodes)
        project.staging, project.production = _public(project.staging), _public(project.production)

    def get(self, url: str) -> tuple[int, str]:
        return get(url, address=self.nodes.address(next(self._turns)))

    def images(self, app: str, environment: str) -> dict[str, str]:
        wanted = {"shipway.app": app, "shipway.environment": environment, "shipway.role": "service"}
        filters = " ".join(f"--filter label={name}={value}" for name, value in wanted.items())
        services = json.loads(self.nodes.ssh("node1", f"docker service inspect $(docker service ls --quiet {filters})"))
        return {
            item["Spec"]["Labels"]["shipway.name"]: item["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
            for item in services
            if item["Spec"]["Mode"]["Replicated"]["Replicas"]
        }


def _public(url: str) -> str:
    """Names of `localhost` always mean the visitor's own machine."""
    return url.replace(".localhost", ".example")


class Kubernetes(OneMachine):
    """Each environment in a namespace of a cluster, whose Ingress controller listens on this machine."""

    name = "kubernetes"
    unhealthy: tuple[str, ...] = ("GET /healthz: 503",)  # the cluster keeps no body of an answer

    def __init__(self, cluster: TestCluster) -> None:
        self.cluster = cluster
        self.spaces: dict[str, str] = {}

    def adjust(self, plan: dict[str, Any]) -> None:
        plan["registry"] = {"address": f"{self.cluster.registry}/{plan['app']}"}
        for name, environment in plan["environments"].items():
            self.spaces[name] = f"{plan['app']}-{name}"
            environment["platform"] = {"kubernetes": {"namespace": self.spaces[name], "storage": "1Gi"}}

    def images(self, app: str, environment: str) -> dict[str, str]:
        space, name = self.spaces[environment], "app.kubernetes.io/name"
        serving = {
            item["metadata"]["name"]: item["spec"]["selector"].get(RELEASE)
            for item in self.cluster.api.list("v1", "Service", space)
        }
        found = [item for item in self.cluster.api.list("apps/v1", "Deployment", space) if item["spec"]["replicas"]]
        return {
            item["metadata"]["labels"][name]: item["spec"]["template"]["spec"]["containers"][0]["image"]
            for item in found
            if serving.get(item["metadata"]["labels"][name]) in (None, item["metadata"]["labels"][RELEASE])
        }

    def clear(self) -> None:
        """Take the namespaces away."""
        for space in self.spaces.values():
            self.cluster.api.delete("v1", "Namespace", "", space)


@contextmanager
def _in_kubernetes() -> Iterator[Kubernetes]:
    cluster = kubernetes.own_cluster()
    outer_engine.bring_bases()
    found = Kubernetes(cluster)
    with (
        cluster_dns.serving(cluster.api),
        cluster_ingress.serving(cluster.api),
        kubernetes.volumes(cluster, 2),
    ):
        yield found
        found.clear()


@contextmanager
def place(name: str) -> Iterator[OneMachine]:
    """The place of this name, ready."""
    if name == "swarm":
        with swarm_of(3, "postgres:15", "redis:7") as nodes:
            yield Swarm(nodes)
    elif name == "kubernetes":
        with _in_kubernetes() as found:
            yield found
    else:
        assert name == "docker", name
        yield OneMachine()
