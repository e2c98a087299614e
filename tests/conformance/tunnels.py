"""A host by SSH, its engine through a tunnel, and that nothing of a tunnel is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from shipway.context import Machine
from shipway.drivers.credentials import Keyring
from shipway.drivers.hosts.ssh import SshHost
from shipway.drivers.runtime.engine import Engine
from shipway.hosts import Hosts
from tests.conformance.labs import IMAGE, DockerLab
from tests.conformance.registries import RegistryHost
from tests.nodes import Nodes

NAME = "ssh://node1"


@pytest.fixture(scope="module")
def node(nodes: Nodes) -> Nodes:
    """Both, and node1 has the image of the suites."""
    nodes.load("node1", IMAGE)
    return nodes


@pytest.fixture(autouse=True)
def nothing_left(node: Nodes) -> Iterator[None]:
    """Before all other fixtures, so that it ends after them."""
    before = node.sessions()  # of a fixture that several tests share
    yield
    assert node.sessions() == before, "an ssh was left behind"


@pytest.fixture
def host(node: Nodes) -> Iterator[SshHost]:
    host = SshHost(NAME)
    yield host
    host.close()


@pytest.fixture
def remote(host: SshHost) -> Iterator[DockerLab]:
    """A corner of node1's engine."""
    lab = DockerLab(Engine(NAME, dial=host.engine))
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def here() -> Iterator[DockerLab]:
    """A corner of this machine's engine."""
    lab = DockerLab()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def registry(here: DockerLab) -> RegistryHost:
    """On a loopback port of this machine, as the embedded one."""
    return RegistryHost(here)


@pytest.fixture
def connect(node: Nodes) -> Iterator[Callable[[str], Machine]]:
    hosts = Hosts(Keyring(), threading.Event())
    yield hosts.connect
    hosts.close()
