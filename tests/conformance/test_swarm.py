"""A Swarm as a Runtime, on a node of its own: every container of the suite is a service."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shipway.domain.config_file import ConfigFile
from shipway.domain.container import LABEL_APP, LABEL_NAME, LABEL_RELEASE, ContainerSpec
from shipway.domain.errors import EngineError, NotRunnable
from shipway.domain.plan import LOCAL
from shipway.drivers.hosts.ssh import SshHost
from shipway.drivers.runtime import swarm
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.runtime.swarm import OVERLAY, SwarmRuntime
from shipway.system.probe import probe_tcp
from shipway.testing.memory_files import pack, unpack
from shipway.testing.runtime import RuntimeContract
from shipway.testing.runtime_lab import SLEEPS, Program, started
from tests.conformance.labs import IMAGE, DockerLab, make_spec
from tests.conformance.test_runtime import eventually
from tests.nodes import Nodes, running_nodes

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(900)]


class Wide(SwarmRuntime):
    """As an environment's networks are: services join no others."""

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = True
    ) -> None:
        super().ensure_network(name, labels, internal=internal, pinned=pinned, wide=wide)


class SwarmLab(DockerLab):
    """A DockerLab whose containers are services."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.runtime = Wide(engine)

    def spec(self, suffix: str, program: Program, **changes: Any) -> ContainerSpec:
        spec = super().spec(suffix, program, **changes)
        return spec if spec.attached else dataclasses.replace(spec, nodes=(LOCAL,), stop_grace=1.0)

    def close(self) -> None:
        for item in self.engine.call("GET", "/services"):
            if self.app in item["Spec"]["Name"]:
                self.runtime.remove(item["ID"])
        super().close()


@pytest.fixture(scope="module")
def node() -> Iterator[Nodes]:
    with running_nodes(1) as nodes:
        nodes.load("node1", IMAGE)
        nodes.ssh("node1", f"docker swarm init --advertise-addr {nodes.address('node1')}")
        yield nodes


@pytest.fixture(scope="module")
def manager(node: Nodes) -> Iterator[Engine]:
    host = SshHost("ssh://node1")
    yield Engine("ssh://node1", dial=host.engine)
    host.close()


class TestSwarmRuntime(RuntimeContract):
    @pytest.fixture
    def lab(self, manager: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[SwarmLab]:
        monkeypatch.setenv(OVERLAY, "plain")
        lab = SwarmLab(manager)
        yield lab
        lab.close()

    # What a service can't do, or does otherwise: each test says what holds in place of the suite's.

    def test_a_container_that_is_renamed_frees_its_name(self, lab: SwarmLab) -> None:
        lab.runtime.create(lab.spec("a", SLEEPS))
        with pytest.raises(EngineError, match="can't be renamed"):
            lab.runtime.rename(lab.name("a"), lab.name("b"))

    def test_sigterm_first_then_sigkill(self, lab: SwarmLab) -> None:
        """By the grace that it was created with; the Swarm forgets the exit code of what is scaled down."""
        polite, stubborn = started(lab, "polite"), started(lab, "stubborn", Program(stubborn=True))
        for name in (polite, stubborn):
            lab.runtime.stop(name, 20)
            assert (self.state(lab, name), lab.runtime.wait(name, 1)) == ("exited", 0)

    def test_files_go_in_and_out(self, lab: SwarmLab) -> None:
        """It has no container before it runs."""
        lab.runtime.create(lab.spec("a", SLEEPS))
        with pytest.raises(EngineError, match="has no container"):
            lab.runtime.put(lab.name("a"), "/tmp", pack({"a.txt": b"a"}))
        lab.runtime.start(lab.name("a"))
        lab.runtime.put(lab.name("a"), "/tmp", pack({"a.txt": b"a"}))
        assert unpack(lab.runtime.get(lab.name("a"), "/tmp/a.txt")) == {"a.txt": b"a"}
        with pytest.raises(FileNotFoundError):
            lab.runtime.get(lab.name("a"), "/tmp/nothing")

    def test_files_are_there_before_it_starts(self, lab: SwarmLab) -> None:
        """As secrets of the Swarm, which go with it."""
        shell = "[ $(stat -c %a /run/secrets/KEY) = 400 ] && echo $(cat /run/secrets/KEY); sleep 300"
        spec = dataclasses.replace(make_spec(lab.app, "a", shell, files={"/run/secrets/KEY": b"value"}), nodes=(LOCAL,))
        lab.runtime.create(spec)
        lab.runtime.start(spec.name)
        eventually(lambda: list(lab.runtime.logs(spec.name)) == ["value"])
        assert b"value" not in json.dumps(lab.engine.call("GET", f"/services/{spec.name}")).encode()
        lab.runtime.remove(spec.name)
        assert not lab.engine.call("GET", "/secrets")

    def test_configuration_files_are_there_before_it_starts(self, lab: SwarmLab) -> None:
        """As configs of the Swarm, which stores none that is empty."""
        laid = {
            "/etc/new/deep/app.conf": ConfigFile.of(b"one"),
            "/tmp/run": ConfigFile.of(b"x", executable=True),
        }
        name = started(lab, "a", configs=laid)
        for path, file in laid.items():
            assert lab.runtime.execute(name, ["cat", path]) == (0, file.data.decode())
        with pytest.raises(EngineError, match="a Swarm stores no empty file"):
            lab.runtime.create(lab.spec("b", SLEEPS, configs={"/etc/empty": ConfigFile.of(b"")}))

    def test_networks(self, lab: SwarmLab) -> None:
        """Joining one replaces its task; it leaves none while it exists."""
        one, two = lab.name("one"), lab.name("two")
        for network in (one, two, one):
            lab.runtime.ensure_network(network, {LABEL_APP: lab.app})
        name = started(lab, "a", networks={one: ("first",)})
        lab.runtime.connect(two, name)
        lab.runtime.connect(two, name, ["second"])
        assert self.networks(lab, name) == {one, two}
        with pytest.raises(EngineError):
            lab.runtime.connect(lab.name("missing"), name)
        lab.runtime.disconnect(two, name)
        assert self.networks(lab, name) == {one, two}

    def test_a_stopped_container_joins_its_networks_that_were_created_again(self, lab: SwarmLab) -> None:
        """They can't be removed while it exists."""
        one = lab.name("one")
        lab.runtime.ensure_network(one, {LABEL_APP: lab.app})
        name = started(lab, "a", networks={one: ()})
        lab.runtime.stop(name, 1)
        with pytest.raises(EngineError, match="in use by service"):
            lab.runtime.remove_network(one)
        lab.runtime.remove(name)
        lab.runtime.remove_network(one)
        assert not lab.runtime.has_network(one)

    # Beyond the suite.

    def test_services_of_a_release_find_each_other_by_name(self, lab: SwarmLab) -> None:
        """And not those of another one, which runs beside it."""
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app})

        def of(release: str, service: str) -> ContainerSpec:
            spec = lab.spec(f"{service}{release}", SLEEPS, networks={network: ()})
            return dataclasses.replace(spec, labels={**spec.labels, LABEL_NAME: service, LABEL_RELEASE: release})

        specs = [of(release, service) for release in "12" for service in ("web", "api")]
        for spec in specs:
            lab.runtime.create(spec)
            lab.runtime.start(spec.name)
        seen = [lab.runtime.execute(spec.name, ["getent", "hosts", "api"])[1].split() for spec in specs]
        assert len({answer[0] for answer in seen}) == 2
        assert lab.runtime.execute(specs[0].name, ["getent", "hosts", specs[3].name])[0] == 0
        for spec in specs:
            lab.runtime.remove(spec.name)
        assert [item.name for item in lab.runtime.objects({LABEL_APP: lab.app})] == [network]

    def test_its_host_reaches_a_container_in_networks_of_the_swarm(self, lab: SwarmLab, node: Nodes) -> None:
        """An accessory is one; health by TCP asks it from there."""
        network, reached = lab.name("net"), SshHost("ssh://node1")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app})
        name = lab.run("cache", "redis-server --protected-mode no", networks={network: ()})
        found = lab.runtime.find(name)
        assert found is not None
        assert set(found.addresses) == {network}
        address = found.addresses[network]
        try:
            eventually(lambda: probe_tcp(address, 6379, 5.0, dial=reached.dial).ok)
        finally:
            reached.close()

    def test_a_network_that_a_service_uses_stays_whole(self, lab: SwarmLab) -> None:
        network = lab.name("net")
        lab.runtime.ensure_network(network, {LABEL_APP: lab.app})
        beside = lab.run("beside", "sleep 300", networks={network: ()})
        started(lab, "a", networks={network: ()})
        with pytest.raises(EngineError, match="in use by service"):
            lab.runtime.remove_network(network)
        assert network in lab.inspect(beside)["NetworkSettings"]["Networks"]

    def test_what_does_not_start_says_why(self, lab: SwarmLab) -> None:
        lab.runtime.create(lab.spec("a", SLEEPS, entrypoint=("nosuchcommand",)))
        with pytest.raises(NotRunnable, match="nosuchcommand"):
            lab.runtime.start(lab.name("a"))

    def test_what_finds_no_node_says_why(self, lab: SwarmLab, node: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(swarm, "PLACED", 10.0)
        lab.runtime.create(lab.spec("a", SLEEPS))
        node.ssh("node1", "docker node update --availability drain node1")
        try:
            with pytest.raises(EngineError, match="its task is pending"):
                lab.runtime.start(lab.name("a"))
        finally:
            node.ssh("node1", "docker node update --availability active node1")

    def test_an_image_s_own_health_check_decides_nothing(self, lab: SwarmLab, node: Nodes) -> None:
        """Neither whether it has started, nor whether it stays: the plan's does, as on separate hosts."""
        image = f"{lab.app}-unhealthy"
        check = "HEALTHCHECK --interval=1s --retries=1 CMD false"
        node.ssh(
            "node1", f"at=$(docker create {IMAGE}) && docker commit --change '{check}' $at {image} && docker rm $at"
        )
        try:
            began = time.monotonic()
            name = started(lab, "a", image=image)
            assert time.monotonic() - began < 30
            time.sleep(4)  # the check would have failed by now
            found = lab.runtime.find(name)
            assert found is not None
            assert (found.state, found.restarts) == ("running", 0)
            lab.runtime.remove(name)
        finally:
            node.ssh("node1", f"docker rmi --force {image}")

    def test_a_host_that_manages_no_swarm(self) -> None:
        runtime = SwarmRuntime(Engine())
        with pytest.raises(EngineError, match="is in no Swarm") as told:
            runtime.create(dataclasses.replace(make_spec("a", "b", "true"), nodes=(LOCAL,)))
        assert "docker swarm init" in told.value.hint
