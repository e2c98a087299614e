"""The embedded registry, in a container on this machine, for teams without a registry."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence

from shipway.domain.container import (
    LABEL_APP,
    LABEL_CONFIG,
    LABEL_NAME,
    LABEL_ROLE,
    ContainerInfo,
    ContainerSpec,
    Publish,
)
from shipway.domain.errors import EngineError, RegistryError
from shipway.domain.image import Layer
from shipway.domain.provenance import Attached
from shipway.domain.release import digest_of
from shipway.drivers.credentials import Credentials, Keyring
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import SHARED, exclusive, port_taken
from shipway.system.tars import of_files, reading_stream

ADDRESS = "127.0.0.1"  # engines accept plain HTTP from loopback addresses only
IMAGE = "registry:2"
USER = "shipway"
LABEL_PASSWORD = "shipway.registry.password"  # of containers of earlier versions, which are replaced
USERS = "/shipway-users"  # in its container: a hash
PASSWORD = "/shipway-password"  # in its container: no label and no variable, which `docker inspect` shows
ENVIRONMENT = {
    "REGISTRY_AUTH": "htpasswd",
    "REGISTRY_AUTH_HTPASSWD_REALM": "shipway",
    "REGISTRY_AUTH_HTPASSWD_PATH": USERS,
}
READY = 20.0  # seconds from its start to its first answer


class EmbeddedRegistry:
    """Container and volume of the given name, published on a loopback port, shared by all apps of the engine.

    It has one user, whose password is created with the container and stored in a file of it: who may copy files out of
    containers can use its registry, but no other program of the machine can, nor a build's `RUN`.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        name: str = "shipway-registry",
        port: int = 5055,
        keys: Keyring | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self._cancelled = cancelled
        self._engine = engine
        self._keys = keys or Keyring()
        self._runtime = DockerRuntime(engine)
        self._images = DockerImages(engine, keys)
        self._address = f"{ADDRESS}:{port}"
        self._port = port
        self._spec = _spec(name, port)
        self._connected: RemoteRegistry | None = None

    @property
    def _remote(self) -> RemoteRegistry:
        if self._connected is None:
            self._connected = RemoteRegistry(self._address, self.credentials())
        return self._connected

    def credentials(self) -> Credentials:
        """The user's credentials; anonymous if the registry doesn't exist yet."""
        return self._credentials(self._runtime.find(self._spec.name))

    def _credentials(self, found: ContainerInfo | None) -> Credentials:
        if found is None or found.labels.get(LABEL_APP) != SHARED:
            return Credentials()
        password = self._password(found.name) or found.labels.get(LABEL_PASSWORD)
        return Credentials(USER, password) if password else Credentials()

    def _password(self, container: str) -> str:
        """Of its file; "" without one."""
        try:
            with reading_stream(self._runtime.get(container, PASSWORD), largest=1 << 16) as tar:
                entry = tar.next()
                file = tar.extractfile(entry) if entry is not None else None
                return file.read().decode() if file is not None else ""
        except FileNotFoundError:  # none, or of an earlier version
            return ""

    def ensure(self) -> None:
        found = self._runtime.find(self._spec.name)
        if found is None or not found.running or found.labels.get(LABEL_CONFIG) != self._spec.labels[LABEL_CONFIG]:
            with exclusive(self._spec.name, self._engine.address, self._cancelled):
                self._run()
            found = self._runtime.find(self._spec.name)
        credentials = self._credentials(found)
        self._connected = RemoteRegistry(self._address, credentials)
        self._keys.add(self._address, credentials, builds=False)
        self._wait()

    def _run(self) -> None:
        found = self._runtime.find(self._spec.name)
        if found and found.labels.get(LABEL_CONFIG) != self._spec.labels[LABEL_CONFIG]:
            self._replace_ours(found.labels.get(LABEL_APP))
            found = None
        if found is None or not found.running:
            self._start()

    def repository(self, app: str, image: str) -> str:
        return self._remote.repository(app, image)

    def digest(self, repository: str, reference: str) -> str | None:
        return self._remote.digest(repository, reference)

    def tag(self, repository: str, digest: str, tag: str) -> None:
        self._remote.tag(repository, digest, tag)

    def layers(self, repository: str, digest: str) -> Sequence[Layer]:
        return self._remote.layers(repository, digest)

    def attach(self, repository: str, tag: str, parts: Sequence[Attached]) -> None:
        self._remote.attach(repository, tag, parts)

    def attached(self, repository: str, tag: str) -> Sequence[Attached]:
        return self._remote.attached(repository, tag)

    def _replace_ours(self, app: str | None) -> None:
        name = self._spec.name
        if app != SHARED:
            raise RegistryError(
                f"the registry can't be started: the name {name} is used by a container that Shipway did not create",
                hint=f"rename or remove it: docker rename {name} NEW-NAME",
            )
        self._runtime.stop(name, self._spec.stop_grace)
        self._runtime.remove(name)  # its images are in the volume

    def _start(self) -> None:
        try:
            self._images.pull(IMAGE, lambda line: None)
            self._runtime.create(self._spec)
            # That of the existing container, which a process may have created and died before starting it.
            password = self._password(self._spec.name) or secrets.token_urlsafe(32)
            files = {USERS: _htpasswd(USER, password).encode(), PASSWORD: password.encode()}
            self._runtime.put(self._spec.name, "/", iter([of_files(files, mode=0o600)]))
            self._runtime.start(self._spec.name)
        except EngineError as error:
            self._runtime.remove(self._spec.name)
            if port_taken(error):
                raise RegistryError(
                    f"the registry can't be started: port {self._port} on {ADDRESS} is used by another program",
                    hint=f"find it: ss -ltnp 'sport = :{self._port}'",
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
    config = digest_of({"image": IMAGE, "port": port, "volume": name, "auth": ENVIRONMENT, "password": PASSWORD})
    return ContainerSpec(
        name=name,
        image=IMAGE,
        labels={**labels, LABEL_CONFIG: config},
        env=ENVIRONMENT,
        volumes={name: "/var/lib/registry"},
        publish=(Publish(5000, port, ADDRESS),),
        restart=True,
    )


def _htpasswd(user: str, password: str) -> str:
    """A line of the registry's user file. The password is long and random: the lowest cost is enough."""
    import bcrypt

    return f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"
