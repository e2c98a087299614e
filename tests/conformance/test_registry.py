"""Every Registry: the contract over open, password and token registries, and how each refuses."""

from __future__ import annotations

import dataclasses
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.environment.disk_space import EXPANSION
from shipway.domain.container import LABEL_APP, LABEL_CONFIG, ContainerSpec
from shipway.domain.errors import RegistryError
from shipway.drivers.credentials import Credentials, Keyring
from shipway.drivers.images import docker as docker_images
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.registry.embedded import LABEL_PASSWORD, EmbeddedRegistry, _htpasswd
from shipway.drivers.registry.embedded import PASSWORD as PASSWORD_FILE
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.drivers.shared import SHARED
from shipway.ports import Registry
from shipway.system.tars import of_files, reading_stream
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


@pytest.mark.engine
class TestEmbeddedRegistry(RegistryContract):
    @pytest.fixture(scope="class")
    @classmethod
    def embedded(cls, docker: DockerLab) -> EmbeddedRegistry:
        return EmbeddedRegistry(docker.engine, name=docker.name("embedded"), port=docker.port())

    @pytest.fixture
    def lab(self, docker: DockerLab, embedded: EmbeddedRegistry) -> Lab:
        def push(repository: str, tag: str, content: str) -> str:
            return push_tiny(docker, repository, tag, content, embedded.credentials())

        return Lab(_Below(embedded, docker.app), push)

    def test_no_program_without_its_password_gets_anything(
        self, docker: DockerLab, embedded: EmbeddedRegistry, tmp_path: Path
    ) -> None:
        embedded.ensure()
        repository = embedded.repository(docker.app, "private")
        push_tiny(docker, repository, "v1", "private", embedded.credentials())
        host, _, name = repository.partition("/")
        for path in ("/v2/", "/v2/_catalog", f"/v2/{name}/tags/list", f"/v2/{name}/manifests/v1"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"http://{host}{path}", timeout=60)
        with pytest.raises(RegistryError, match="denies anonymous access"):
            RemoteRegistry(host).digest(repository, "v1")
        port = host.rpartition(":")[2]
        address = docker.inspect(docker.name("embedded"))["NetworkSettings"]["Networks"]["bridge"]
        asked = [f"{address['IPAddress']}/5000", f"{address['Gateway']}/{port}"]
        get = 'exec 3<>/dev/tcp/{} && printf "GET /v2/_catalog HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3'
        runs = "".join(f"RUN bash -c ': {docker.app}; {get.format(where)}' 2>&1 || true\n" for where in asked)
        (tmp_path / "Dockerfile").write_text(f"FROM redis:7\n{runs}")
        lines: list[str] = []
        options: dict[str, Any] = {"dockerfile": "Dockerfile", "target": None, "args": {}, "labels": {}}
        docker.images.build(tmp_path, tags=[docker.name("run")], on_line=lines.append, **options)
        docker.images.remove(docker.name("run"))
        assert any("401 Unauthorized" in line for line in lines), "\n".join(lines)
        assert not any("repositories" in line for line in lines)

    def test_one_without_a_password_gets_one_and_keeps_its_images(self, docker: DockerLab) -> None:
        """As the version before made it."""
        name, port = docker.name("open"), docker.port()
        embedded = EmbeddedRegistry(docker.engine, name=name, port=port)
        spec = dataclasses.replace(embedded._spec, env={}, labels={**embedded._spec.labels, LABEL_CONFIG: "before"})
        docker.runtime.create(spec)
        docker.runtime.start(name)
        embedded._wait()
        repository = embedded.repository(docker.app, "kept")
        digest = push_tiny(docker, repository, "v1", "kept")
        embedded.ensure()
        assert embedded.digest(repository, "v1") == digest
        with pytest.raises(RegistryError, match="denies anonymous access"):
            RemoteRegistry(repository.partition("/")[0]).ensure()

    def test_the_engine_shows_no_password_and_an_older_container_is_replaced_once(self, docker: DockerLab) -> None:
        """That of an earlier version had it in a label."""
        name, port = docker.name("label"), docker.port()
        keys = Keyring()
        embedded = EmbeddedRegistry(docker.engine, name=name, port=port, keys=keys)
        older = {**embedded._spec.labels, LABEL_CONFIG: "before", LABEL_PASSWORD: "an older password"}
        docker.runtime.create(dataclasses.replace(embedded._spec, labels=older))
        users = {"/shipway-users": _htpasswd("shipway", "an older password").encode()}
        docker.runtime.put(name, "/", iter([of_files(users, mode=0o600)]))
        docker.runtime.start(name)
        assert embedded.credentials().password == "an older password"  # a rollback pulls before anything is replaced
        embedded._wait()
        repository = embedded.repository(docker.app, "kept")
        digest = push_tiny(docker, repository, "v1", "kept", embedded.credentials())
        embedded.ensure()
        identity, password = docker.inspect(name)["Id"], embedded.credentials().password
        assert password
        assert password != "an older password"
        assert embedded.digest(repository, "v1") == digest
        shown = json.dumps(docker.inspect(name)) + "".join(docker.runtime.logs(name))
        assert password not in shown
        assert "an older password" not in shown
        again = EmbeddedRegistry(docker.engine, name=name, port=port)
        again.ensure()
        assert docker.inspect(name)["Id"] == identity
        assert again.credentials().password == password
        with reading_stream(docker.runtime.get(name, PASSWORD_FILE)) as tar:
            entry = tar.next()
        assert entry is not None
        assert (entry.mode & 0o777, entry.uid) == (0o600, 0)

    def test_who_dies_before_its_start_leaves_no_other_password(self, docker: DockerLab) -> None:
        embedded = EmbeddedRegistry(docker.engine, name=docker.name("dead"), port=docker.port())
        docker.runtime.create(embedded._spec)
        keys = Keyring()
        other = EmbeddedRegistry(docker.engine, name=docker.name("dead"), port=embedded._port, keys=keys)
        other.ensure()
        assert other.credentials() == embedded.credentials() == keys.at(f"127.0.0.1:{embedded._port}")
        assert keys.given() == {}

    def test_it_is_started_again_and_keeps_its_images(self, docker: DockerLab, embedded: EmbeddedRegistry) -> None:
        embedded.ensure()
        repository = embedded.repository(docker.app, "kept")
        digest = push_tiny(docker, repository, "v1", "kept", embedded.credentials())
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
        keys = Keyring({repository.partition("/")[0]: embedded.credentials()})
        digest = DockerImages(docker.engine, keys).push(repository, "t", lambda line: None)
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
        digest = push_tiny(docker, first.repository(docker.app, "a"), "v1", "kept", first.credentials())
        second = EmbeddedRegistry(docker.engine, name=name, port=docker.port())
        second.ensure()
        assert second.digest(second.repository(docker.app, "a"), "v1") == digest

    def test_a_port_that_is_taken(self, docker: DockerLab) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            registry = EmbeddedRegistry(docker.engine, name=docker.name("taken"), port=port)
            with pytest.raises(RegistryError, match=f"port {port} .* is used") as caught:
                registry.ensure()
        assert str(port) in caught.value.hint
        assert docker.runtime.find(docker.name("taken")) is None
        registry.ensure()

    def test_a_container_of_somebody_else_is_not_touched(self, docker: DockerLab) -> None:
        spec = ContainerSpec(docker.name("theirs"), "redis:7", {LABEL_APP: "theirs", LABEL_CONFIG: "1"})
        identity = docker.runtime.create(spec)
        with pytest.raises(RegistryError, match="Shipway did not create"):
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
            with pytest.raises(RegistryError, match=f"denies access to user {credentials.user}") as caught:
                RemoteRegistry(address, credentials).ensure()
            assert "wrong" not in str(caught.value)
            assert PASSWORD not in str(caught.value)
        with pytest.raises(RegistryError, match="no credentials"):
            RemoteRegistry(address).ensure()

    def test_the_engine_is_refused_too(self, docker: DockerLab, address: str) -> None:
        repository = f"{address}/{docker.app}/refused"
        with pytest.raises(RegistryError, match=address) as caught:
            push_tiny(docker, repository, "v1", "a")
        assert "anonymous" in caught.value.hint
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
        with pytest.raises(RegistryError, match="denies access to the token"):
            RemoteRegistry(address, Credentials(token="not-a-known-token")).ensure()

    def test_an_unknown_user(self, address: str) -> None:
        with pytest.raises(RegistryError, match="denies access to user bob: who are you"):
            RemoteRegistry(address, Credentials("bob", "secret")).ensure()


@pytest.mark.engine
def test_nothing_answers(docker: DockerLab) -> None:
    address = f"127.0.0.1:{docker.port()}"
    registry = RemoteRegistry(address)
    with pytest.raises(RegistryError, match=f"can't reach registry {address}"):
        registry.ensure()
    with pytest.raises(RegistryError, match=f"can't reach registry {address}"):
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
            with pytest.raises(RegistryError, match="no progress for 2 s") as caught:
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
