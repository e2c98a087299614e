"""Containers for migration tools, one per image for the duration of a proof. A container per command, as in a
deployment, would take longer than the commands."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.ports import OneOff
from shipway.proving.server import Server

LIFE = "86400"  # seconds until it ends if it is not removed
GRACE = 60.0  # seconds beyond the proof's own timeout, which ends waiting commands first


class ToolContainers:
    """Safe to call from several threads. timeout: seconds that a command may be silent."""

    def __init__(self, server: Server, timeout: float) -> None:
        self._server, self._ctx, self._sandbox = server, server.sandbox.ctx, server.sandbox
        self._timeout = timeout + GRACE
        self._guard = threading.Lock()
        self._containers: dict[tuple[str, ...], ContainerSpec] = {}  # by image and the folder of a file

    def runner(self, spec: ContainerSpec) -> OneOff:
        """A runner of commands in the image's container with the spec's variables; the database image's tools run in
        its existing container."""

        def run(command: Sequence[str]) -> tuple[int, str]:
            container = self._container(spec)
            own = {name: value for name, value in spec.env.items() if container.env.get(name) != value}
            code, output = self._ctx.runtime.execute(
                container.name, command, timeout=self._timeout, environment=own, kept=True
            )
            return code, self._ctx.redactor.text("\n".join(output.splitlines()))

        return run

    def _container(self, spec: ContainerSpec) -> ContainerSpec:
        if self._server.container and spec.image == self._server.accessory.image:
            return ContainerSpec(self._server.container, spec.image, {})
        with self._guard:
            key = (spec.image, *spec.volumes)
            if key not in self._containers:
                name = names.bounded(f"{self._sandbox.app}_proof_{self._sandbox.name}_tool{len(self._containers)}")
                labels = {**self._sandbox.labels, LABEL_ROLE: "proof", LABEL_NAME: "tool", LABEL_CONFIG: name}
                networks: dict[str, tuple[str, ...]] = {self._server.network: ()}
                container = dataclasses.replace(
                    spec, name=name, labels=labels, networks=networks, entrypoint=("sleep",), command=(LIFE,)
                )
                self._ctx.images.pull(spec.image, lambda line: None)
                self._ctx.runtime.create(container)
                self._ctx.runtime.start(name)
                self._containers[key] = container
            return self._containers[key]
