"""Where the story of the reference application is told: on this machine's engine, on a Swarm, in a cluster of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from examples.project import Project, get
from shipway.drivers import driver


class OneMachine:
    """This machine's own engine: what the plan of the reference application says."""

    name = "docker"

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


@contextmanager
def place(name: str) -> Iterator[OneMachine]:
    """The place of this name, ready."""
    assert name == "docker", name
    yield OneMachine()
