"""Hosts by SSH against real SSH servers and engines: the suites of runtime and images, and what only a tunnel can do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from shipway.context import Machine
from shipway.domain.errors import EngineError, RegistryError
from shipway.drivers.credentials import Keyring
from shipway.drivers.hosts.ssh import SshHost
from shipway.drivers.images import host as host_images
from shipway.drivers.images.host import HostImages
from shipway.drivers.runtime.engine import Engine
from shipway.hosts import Hosts
from shipway.testing.edge import EdgeContract
from shipway.testing.images import ImagesContract
from shipway.testing.runtime import RuntimeContract
from tests.conformance.edge_lab import TraefikLab
from tests.conformance.labs import DockerLab
from tests.conformance.registries import RegistryHost, push_tiny
from tests.conformance.test_images import DockerImagesLab
from tests.conformance.tunnels import NAME, connect, here, host, node, nothing_left, registry, remote
from tests.nodes import CLOSED, GUEST, Nodes

__all__ = ["connect", "here", "host", "node", "nothing_left", "registry", "remote"]

pytestmark = [pytest.mark.hosts, pytest.mark.engine]


class RemoteImagesLab(DockerImagesLab):
    def __init__(self, lab: DockerLab, host: SshHost, registry: RegistryHost) -> None:
        super().__init__(lab, registry)
        self.images = HostImages(lab.engine, Keyring(), host, cancelled=threading.Event())


class TestRuntimeByTunnel(RuntimeContract):
    @pytest.fixture
    def lab(self, remote: DockerLab) -> DockerLab:
        return remote


class TestImagesByTunnel(ImagesContract):
    @pytest.fixture
    def lab(self, remote: DockerLab, host: SshHost, registry: RegistryHost) -> RemoteImagesLab:
        return RemoteImagesLab(remote, host, registry)


@pytest.mark.full  # the same driver as on this machine, and the system tests reach it through the same tunnel
class TestEdgeByTunnel(EdgeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def traefik(cls, node: Nodes) -> Iterator[TraefikLab]:
        node.load("node1", "traefik:v3", "python:3.11-slim-bookworm")
        host = SshHost(NAME)
        lab = TraefikLab(Engine(NAME, dial=host.engine), host.dial)
        try:
            yield lab
        finally:
            lab.docker.close()
            host.close()

    @pytest.fixture
    def lab(self, traefik: TraefikLab) -> Iterator[TraefikLab]:
        yield traefik
        for owner in ("one", "two"):
            traefik.edge.remove(owner)


# who is let in


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("ssh://nosuchhost.invalid", "name can't be resolved", "hosts"),
        ("ssh://node1:23", "SSH port refuses connections", "SSH server"),
        ("ssh://nobody@node1", "denies the login", "ssh nobody@node1"),
        (f"ssh://{GUEST}@node1", "denies access to the user", "docker group"),
        (f"ssh://{CLOSED}@node1", "nothing answers at /var/run/docker.sock", "AllowTcpForwarding"),
    ],
)
def test_why_a_host_cannot_be_reached(connect: Callable[[str], Machine], name: str, message: str, hint: str) -> None:
    with pytest.raises(EngineError, match=message) as caught:
        connect(name)
    assert name in caught.value.message
    assert hint in caught.value.hint


def test_an_unknown_host_key_is_refused_and_not_learnt(nodes: Nodes, connect: Callable[[str], Machine]) -> None:
    with nodes.knowing(None):
        with pytest.raises(EngineError, match="host key is unknown") as caught:
            connect(NAME)
        assert "ssh node1" in caught.value.hint
        assert nodes.known_hosts.read_text() == ""
    assert connect(NAME).runtime.ping()


def test_a_changed_host_key_is_refused(nodes: Nodes, connect: Callable[[str], Machine]) -> None:
    with nodes.knowing((nodes.folder / "key.pub").read_text()):
        with pytest.raises(EngineError, match="host key differs from the known one") as caught:
            connect(NAME)
        assert "ssh-keygen -R" in caught.value.hint


HOSTILE = """\
Host *
  LocalForward 127.0.0.1:{taken} 127.0.0.1:1
  ExitOnForwardFailure yes
  ControlMaster no
  ControlPath {folder}/other
  RemoteCommand echo something else
  RequestTTY force
  StrictHostKeyChecking no
  LogLevel QUIET
"""


def test_what_a_person_configured_for_a_login_does_no_harm(nodes: Nodes, connect: Callable[[str], Machine]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = HOSTILE.format(taken=taken.getsockname()[1], folder=nodes.folder)
        with nodes.configured(config):
            assert connect(NAME).runtime.ping()
            with nodes.knowing(None), pytest.raises(EngineError, match="host key is unknown"):
                connect("ssh://node2")


# what goes through


def test_probes_reach_containers_and_the_hosts_loopback(remote: DockerLab, connect: Callable[[str], Machine]) -> None:
    machine = connect(NAME)
    name = remote.run("a", "exec redis-server")
    found = remote.runtime.find(name)
    assert found is not None
    (address,) = found.addresses.values()
    deadline = time.monotonic() + 20
    while not machine.probe_tcp(address, 6379, 2.0).ok:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # What doesn't listen must not look as if it did, though ssh itself listens.
    assert "nothing listens" in machine.probe_tcp(address, 6380, 2.0).detail
    assert "nothing listens" in machine.probe("127.0.0.1", 6379, "/", 2.0).detail
    assert machine.probe_tcp("127.0.0.1", 22, 2.0).ok


def test_a_silent_address_times_out_and_blocks_no_other_call(node: Nodes, host: SshHost) -> None:
    silent = node.address("node1").rpartition(".")[0] + ".99"
    for _ in range(3):
        with pytest.raises(TimeoutError):
            host.dial((silent, 80), 0.2)
    time.sleep(4)  # by now the host has found out that the address is unused
    assert Engine(NAME, dial=host.engine).call("GET", "/version")


def test_the_end_of_a_stream_is_seen(host: SshHost) -> None:
    connection = host.dial(("127.0.0.1", 22), 10.0)
    connection.sendall(b"no SSH client\r\n")
    with connection, connection.makefile("rb") as answer:
        assert answer.read().startswith(b"SSH-2.0-")


def test_many_threads_share_a_tunnel(node: Nodes, host: SshHost) -> None:
    engine = Engine(NAME, dial=host.engine)
    answers: list[object] = []

    def ask() -> None:
        for _ in range(20):
            answers.append(engine.call("GET", "/version", timeout=60))
            host.dial(("127.0.0.1", 22), 10.0).close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 160
    assert len(node.sessions()) == 1


# a registry of this machine


def test_a_digest_of_this_machines_registry(
    here: DockerLab, remote: DockerLab, host: SshHost, registry: RegistryHost
) -> None:
    lab = RemoteImagesLab(remote, host, registry)
    repository = f"{registry.address}/{here.app}/digest"
    reference = f"{repository}@{push_tiny(here, repository, 'v1', 'content')}"
    lab.images.pull(reference, lambda line: None)
    assert lab.images.inspect(reference)
    lab.forget(reference)
    with pytest.raises(EngineError, match="refused"):  # nothing stays open
        remote.engine.call("POST", "/images/create", query={"fromImage": reference})


def test_two_controllers_at_once(here: DockerLab, remote: DockerLab, host: SshHost, registry: RegistryHost) -> None:
    repository = f"{registry.address}/{here.app}/two"
    references = [f"{repository}@{push_tiny(here, repository, f'v{number}', f'{number}')}" for number in range(4)]
    other = SshHost(NAME)
    labs = [RemoteImagesLab(remote, one, registry) for one in (host, other)]
    port = int(registry.address.rpartition(":")[2])
    try:
        with host.forward(port) as first, other.forward(port) as second, host.forward(port) as third:
            assert (first, second, third) == (True, False, True)
            labs[1].images.pull(references[0], lambda line: None)
        errors: list[BaseException] = []

        def pull(lab: RemoteImagesLab, reference: str) -> None:
            try:
                lab.images.pull(reference, lambda line: None)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=pull, args=(lab, item)) for item in references[1:] for lab in labs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert all(labs[0].images.inspect(item) for item in references)
    finally:
        other.close()
        for reference in references:
            remote.forget(reference)


def test_a_port_that_another_program_of_the_host_has(
    remote: DockerLab, host: SshHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_images, "PATIENCE", 0.0)
    images = HostImages(remote.engine, Keyring(), host, cancelled=threading.Event())
    with pytest.raises(RegistryError, match="port 22 of the host is used") as caught:
        images.pull("127.0.0.1:22/a:t", lambda line: None)
    assert "ss -ltnp" in caught.value.hint


def test_a_name_that_is_no_host() -> None:
    with pytest.raises(EngineError, match="not a valid host"):
        SshHost("tcp://node1")


def test_it_is_located_without_a_connection(node: Nodes) -> None:
    before = node.sessions()
    hosts = Hosts(Keyring(), threading.Event())
    with node.configured("Host far\n  HostName 10.9.9.9\n  ProxyJump node1\n"):
        assert hosts.locate(NAME).address == node.address("node1")
        assert (hosts.locate("ssh://far").address, hosts.locate("ssh://far").through) == (
            "10.9.9.9",
            "the jump host node1",
        )
    assert hosts.locate("ssh://far").through, "known for as long as the process lives"
    assert node.sessions() == before
