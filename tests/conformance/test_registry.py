"""Every Registry: the contract over open, password and token registries, and how each refuses."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from shipway.actions.preflight import EXPANSION
from shipway.domain.container import LABEL_APP, LABEL_CONFIG, ContainerSpec
from shipway.domain.errors import RegistryError
from shipway.drivers.credentials import Credentials, Keyring
from shipway.drivers.images import docker as docker_images
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.registry.embedded import EmbeddedRegistry
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.drivers.shared import SHARED
from shipway.ports import Registry
from shipway.testing.memory import MemoryRegistry
from shipway.testing.registry import RegistryContract
from tests.conformance.labs import DockerLab
from tests.conformance.registries import PASSWORD, USER, RegistryHost, TokenServer, password_host, push_tiny, token_host

KNOWN = Credentials(USER, PASSWORD)


@dataclass
class Lab:
    registry: Registry
    push: Callable[[str, str, str], str]


class TestMemoryRegistry(RegistryContract):
    @pytest.fixture
    def lab(self) -> Lab:
        registry = MemoryRegistry()

        def push(repository: str, tag: str, content: str) -> str:
            digest = f"sha256:{content}"
            registry.repositories.setdefault(repository, {}).update({tag: digest, digest: digest})
            return digest

        return Lab(registry, push)


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerLab]:
    lab = DockerLab()
    try:
        yield lab
    finally:
        lab.close()


@pytest.mark.engine
class TestEmbeddedRegistry(RegistryContract):
    @pytest.fixture(scope="class")
    @classmethod
    def embedded(cls, docker: DockerLab) -> EmbeddedRegistry:
        return EmbeddedRegistry(docker.engine, name=docker.name("embedded"), port=docker.port())

    @pytest.fixture
    def lab(self, docker: DockerLab, embedded: EmbeddedRegistry) -> Lab:
        return Lab(_Below(embedded, docker.app), _pusher(docker, None))

    def test_it_is_started_again_and_keeps_its_images(self, docker: DockerLab, embedded: EmbeddedRegistry) -> None:
        embedded.ensure()
        repository = embedded.repository(docker.app, "kept")
        digest = push_tiny(docker, repository, "v1", "kept")
        docker.runtime.stop(docker.name("embedded"), 5)
        embedded.ensure()
        assert embedded.digest(repository, "v1") == digest
        docker.runtime.remove(docker.name("embedded"))
        embedded.ensure()
        assert embedded.digest(repository, "v1") == digest

    def test_it_starts_again_with_the_engine_and_listens_here_only(
        self, docker: DockerLab, embedded: EmbeddedRegistry
    ) -> None:
        embedded.ensure()
        found = docker.inspect(docker.name("embedded"))
        assert found["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
        assert found["HostConfig"]["PortBindings"]["5000/tcp"][0]["HostIp"] == "127.0.0.1"
        assert found["Config"]["Labels"][LABEL_APP] == SHARED

    def test_layers_are_named_as_the_engine_names_them(self, docker: DockerLab, embedded: EmbeddedRegistry) -> None:
        embedded.ensure()
        repository = embedded.repository(docker.app, "layers")
        docker.images.tag("redis:7", repository, "t")
        digest = docker.images.push(repository, "t", lambda line: None)
        found = docker.images.inspect("redis:7")
        assert found is not None
        root, size = found["RootFS"], found["Size"]
        assert isinstance(root, dict)
        assert isinstance(size, int)
        layers = embedded.layers(repository, digest)
        assert [layer.content for layer in layers] == root["Layers"]
        assert size / EXPANSION < sum(layer.size for layer in layers) < size

    def test_another_port_keeps_the_images(self, docker: DockerLab) -> None:
        name = docker.name("moved")
        first = EmbeddedRegistry(docker.engine, name=name, port=docker.port())
        first.ensure()
        digest = push_tiny(docker, first.repository(docker.app, "a"), "v1", "kept")
        second = EmbeddedRegistry(docker.engine, name=name, port=docker.port())
        second.ensure()
        assert second.digest(second.repository(docker.app, "a"), "v1") == digest

    def test_a_port_that_is_taken(self, docker: DockerLab) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            registry = EmbeddedRegistry(docker.engine, name=docker.name("taken"), port=port)
            with pytest.raises(RegistryError, match=f"port {port} .* is taken") as caught:
                registry.ensure()
        assert str(port) in caught.value.hint
        assert docker.runtime.find(docker.name("taken")) is None
        registry.ensure()

    def test_a_container_of_somebody_else_is_not_touched(self, docker: DockerLab) -> None:
        spec = ContainerSpec(docker.name("theirs"), "redis:7", {LABEL_APP: "theirs", LABEL_CONFIG: "1"})
        identity = docker.runtime.create(spec)
        with pytest.raises(RegistryError, match="isn't Shipway's"):
            EmbeddedRegistry(docker.engine, name=spec.name, port=docker.port()).ensure()
        assert docker.inspect(spec.name)["Id"] == identity


@pytest.mark.engine
class TestPasswordRegistry(RegistryContract):
    @pytest.fixture(scope="class")
    @classmethod
    def address(cls) -> Iterator[str]:
        docker = DockerLab()
        try:
            yield password_host(docker).address
        finally:
            docker.close()

    @pytest.fixture
    def lab(self, docker: DockerLab, address: str) -> Lab:
        registry = RemoteRegistry(f"{address}/{docker.app}", KNOWN)
        return Lab(registry, _pusher(docker, KNOWN))

    def test_wrong_credentials_name_the_user(self, address: str) -> None:
        for credentials in (Credentials(USER, "wrong"), Credentials("bob", PASSWORD)):
            with pytest.raises(RegistryError, match=f"refuses user {credentials.user}") as caught:
                RemoteRegistry(address, credentials).ensure()
            assert "wrong" not in str(caught.value)
            assert PASSWORD not in str(caught.value)
        with pytest.raises(RegistryError, match="no credentials"):
            RemoteRegistry(address).ensure()

    def test_the_engine_is_refused_too(self, docker: DockerLab, address: str) -> None:
        repository = f"{address}/{docker.app}/refused"
        with pytest.raises(RegistryError, match=address) as caught:
            push_tiny(docker, repository, "v1", "a")
        assert "without credentials" in caught.value.hint
        with pytest.raises(RegistryError, match=address) as caught:
            push_tiny(docker, repository, "v1", "a", Credentials(USER, "wrong"))
        assert f"as user {USER}" in caught.value.hint
        images = DockerImages(docker.engine)
        with pytest.raises(RegistryError, match=address):
            images.pull(f"{repository}:never", lambda line: None)

    def test_the_engine_pulls_with_credentials(self, docker: DockerLab, address: str) -> None:
        repository = f"{address}/{docker.app}/secret"
        digest = push_tiny(docker, repository, "v1", "a", KNOWN)
        docker.forget(f"{repository}:v1")
        docker.forget(f"{repository}@{digest}")
        keys = Keyring()
        images = DockerImages(docker.engine, keys)
        keys.add(address, KNOWN)  # when the plan was read
        images.pull(f"{repository}@{digest}", lambda line: None)
        assert images.inspect(f"{repository}@{digest}") is not None


@pytest.mark.engine
class TestTokenRegistry(RegistryContract):
    @pytest.fixture(scope="class")
    @classmethod
    def tokens(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
        server = TokenServer(tmp_path_factory.mktemp("tokens"))
        yield server
        server.close()

    @pytest.fixture(scope="class")
    @classmethod
    def address(cls, tokens: TokenServer) -> Iterator[str]:
        docker = DockerLab()
        try:
            yield token_host(docker, tokens).address
        finally:
            docker.close()

    @pytest.fixture
    def lab(self, docker: DockerLab, address: str) -> Lab:
        registry = RemoteRegistry(f"{address}/{docker.app}", KNOWN)
        return Lab(registry, _pusher(docker, KNOWN))

    def test_only_what_is_needed_is_asked_for(self, lab: Lab, tokens: TokenServer) -> None:
        repository = lab.registry.repository("shop", "backend")
        tokens.scopes.clear()
        for _ in range(3):
            lab.registry.digest(repository, "v1")
        assert tokens.scopes == [f"repository:{repository.partition('/')[2]}:pull"]  # asked once, then remembered

    def test_a_token_may_be_given(self, lab: Lab, docker: DockerLab, address: str, tokens: TokenServer) -> None:
        repository = lab.registry.repository("shop", "given")
        digest = lab.push(repository, "v1", "one")
        token = tokens.token([f"repository:{repository.partition('/')[2]}:pull,push"])
        given = Credentials(token=token)
        assert RemoteRegistry(address, given).digest(repository, "v1") == digest
        assert push_tiny(docker, repository, "v2", "two", given) != digest
        with pytest.raises(RegistryError, match="refuses the token"):
            RemoteRegistry(address, Credentials(token="broken")).ensure()

    def test_an_unknown_user(self, address: str) -> None:
        with pytest.raises(RegistryError, match="refuses user bob: who are you"):
            RemoteRegistry(address, Credentials("bob", "secret")).ensure()


@pytest.mark.engine
def test_nothing_answers(docker: DockerLab) -> None:
    address = f"127.0.0.1:{docker.port()}"
    registry = RemoteRegistry(address)
    with pytest.raises(RegistryError, match=f"{address} can't be reached"):
        registry.ensure()
    with pytest.raises(RegistryError, match=f"{address} can't be reached"):
        registry.digest(f"{address}/a", "v1")
    with pytest.raises(RegistryError, match=address) as caught:
        push_tiny(docker, f"{address}/{docker.app}/a", "v1", "a")
    assert "running" in caught.value.hint


def _pusher(docker: DockerLab, credentials: Credentials | None) -> Callable[[str, str, str], str]:
    def push(repository: str, tag: str, content: str) -> str:
        return push_tiny(docker, repository, tag, content, credentials)

    return push


@pytest.mark.engine
def test_one_that_says_nothing(docker: DockerLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections; the engine itself would wait for ever in the middle of a transfer."""
    monkeypatch.setattr(docker_images, "TRANSFER", 2.0)
    host = RegistryHost(docker)
    repository = f"{host.address}/{docker.app}/silent"
    docker.images.tag("redis:7", repository, "t")
    name = docker.name("registry")
    docker.engine.call("POST", f"/containers/{name}/pause")
    try:
        for move in (docker.images.push, lambda *args: docker.images.pull(f"{repository}:other", args[2])):
            with pytest.raises(RegistryError, match="nothing was heard of it for 2 s") as caught:
                move(repository, "t", lambda line: None)
            assert host.address in caught.value.hint
    finally:
        docker.engine.call("POST", f"/containers/{name}/unpause")
        docker.runtime.remove(name)


class _Below:
    """The embedded registry with all repositories below a name of the test's own, so that the lab removes the images."""

    def __init__(self, registry: EmbeddedRegistry, folder: str) -> None:
        self._registry = registry
        self._folder = folder
        self.ensure, self.digest, self.tag = registry.ensure, registry.digest, registry.tag
        self.layers = registry.layers

    def repository(self, app: str, image: str) -> str:
        return self._registry.repository(f"{self._folder}/{app}", image)
