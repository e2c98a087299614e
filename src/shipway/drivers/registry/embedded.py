"""A registry of our own, in a container on this machine: for teams that have none."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from shipway.domain.container import (
    LABEL_APP,
    LABEL_CONFIG,
    LABEL_NAME,
    LABEL_ROLE,
    ContainerSpec,
    Publish,
)
from shipway.domain.errors import EngineError, RegistryError
from shipway.domain.image import Layer
from shipway.domain.release import digest_of
from shipway.drivers.credentials import Keyring
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import SHARED, port_taken

ADDRESS = "127.0.0.1"  # engines take plain HTTP from loopback addresses only
IMAGE = "registry:2"
READY = 20.0  # seconds from its start to its first answer


class EmbeddedRegistry:
    """Container and volume of the name given, published on a loopback port, shared by all apps of the engine."""

    def __init__(self, engine: Engine, *, name: str = "shipway-registry", port: int = 5055, keys: Keyring | None = None) -> None:
        self._runtime = DockerRuntime(engine)
        self._images = DockerImages(engine, keys)
        self._remote = RemoteRegistry(f"{ADDRESS}:{port}")
        self._port = port
        self._spec = _spec(name, port)
        self._lock = threading.Lock()

    def ensure(self) -> None:
        with self._lock:
            found = self._runtime.find(self._spec.name)
            if found and found.labels.get(LABEL_CONFIG) != self._spec.labels[LABEL_CONFIG]:
                self._replace_ours(found.labels.get(LABEL_APP))
                found = None
            if found is None or not found.running:
                self._start()
        self._wait()

    def repository(self, app: str, image: str) -> str:
        return self._remote.repository(app, image)

    def digest(self, repository: str, reference: str) -> str | None:
        return self._remote.digest(repository, reference)

    def tag(self, repository: str, digest: str, tag: str) -> None:
        self._remote.tag(repository, digest, tag)

    def layers(self, repository: str, digest: str) -> Sequence[Layer]:
        return self._remote.layers(repository, digest)

    def _replace_ours(self, app: str | None) -> None:
        name = self._spec.name
        if app != SHARED:
            raise RegistryError(
                f"the registry can't be started: a container {name} that isn't Shipway's is in its place",
                hint=f"rename or remove it: docker rename {name} NEW-NAME",
            )
        self._runtime.stop(name, self._spec.stop_grace)
        self._runtime.remove(name)  # its images are in the volume

    def _start(self) -> None:
        try:
            self._images.pull(IMAGE, lambda line: None)
            self._runtime.create(self._spec)
            self._runtime.start(self._spec.name)
        except EngineError as error:
            self._runtime.remove(self._spec.name)
            if port_taken(error):
                raise RegistryError(
                    f"the registry can't be started: port {self._port} on {ADDRESS} is taken by another program",
                    hint=f"see which one: ss -ltnp 'sport = :{self._port}'",
                ) from error
            raise RegistryError(f"the registry can't be started: {error.message}", hint=error.hint) from error

    def _wait(self) -> None:
        deadline = time.monotonic() + READY
        while True:
            try:
                return self._remote.ensure()
            except RegistryError as error:
                if time.monotonic() > deadline:
                    last = "\n".join(self._runtime.logs(self._spec.name, tail=10))
                    raise RegistryError(f"the registry doesn't answer: {error.message}\n{last}") from error
            time.sleep(0.05)


def _spec(name: str, port: int) -> ContainerSpec:
    labels = {LABEL_APP: SHARED, LABEL_ROLE: "registry", LABEL_NAME: name}
    config = digest_of({"image": IMAGE, "port": port, "volume": name})
    return ContainerSpec(
        name=name,
        image=IMAGE,
        labels={**labels, LABEL_CONFIG: config},
        volumes={name: "/var/lib/registry"},
        publish=(Publish(5000, port, ADDRESS),),
        restart=True,
    )
