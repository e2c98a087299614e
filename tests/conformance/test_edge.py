"""Every Edge: the contract, and what only a real proxy can show."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from shipway.domain.container import LABEL_APP, LABEL_CONFIG, ContainerSpec, Publish
from shipway.domain.errors import EdgeError, EngineError
from shipway.drivers.edge import dynamic
from shipway.drivers.edge.container import LABEL_TRUSTED
from shipway.drivers.edge.traefik import TraefikEdge
from shipway.testing.edge import EdgeContract
from shipway.testing.memory import MemoryEdge
from tests.conformance.edge_lab import OnTraefik, TraefikLab, asking

pytestmark = pytest.mark.machine


class MemoryEdgeLab:
    networks: Mapping[str, Sequence[str]] = {"net": ("one.localhost",)}
    upstreams = ("http://a:8000", "http://b:8000", "http://c:8000")
    broken = "http://broken:8000"
    ports = (80, 81, 82)

    def __init__(self) -> None:
        self.edge = MemoryEdge()
        self.edge.unreachable.add(self.broken)

    def request(self, host: str, port: int, path: str, *, inside: bool = False) -> tuple[int | None, str]:
        return self.edge.request(host, port, path.partition("?")[0], inside=inside)

    def restart(self) -> None:
        self.edge.stopped.append("shipway-edge")


class TestMemoryEdge(EdgeContract):
    @pytest.fixture
    def lab(self) -> MemoryEdgeLab:
        return MemoryEdgeLab()


@pytest.mark.engine
class TestTraefikEdge(OnTraefik, EdgeContract):
    def test_the_service_learns_who_asked(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        _, body = lab.get("one.localhost", lab.ports[0], "/")
        assert f"one.localhost:{lab.ports[0]}" in body
        assert "." in body.split("'")[3]  # an address in X-Forwarded-For

    def test_of_two_that_claim_an_address_at_once_one_is_refused(
        self, lab: TraefikLab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both, refuse = threading.Barrier(2), dynamic.refuse_conflict

        def refuse_late(owner: str, table: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> None:
            refuse(owner, table, others)
            with suppress(threading.BrokenBarrierError):
                both.wait(0.5)  # neither has written yet, where both can come this far

        def claim(owner: str) -> str:
            edge = TraefikEdge(lab.docker.engine, name=lab.docker.name("edge"), deadline=4.0)
            try:
                edge.switch(owner, self.table(lab, 1, lab.upstreams[0]))
            except EdgeError as error:
                return error.message
            return ""

        monkeypatch.setattr(dynamic, "refuse_conflict", refuse_late)
        with ThreadPoolExecutor(2) as threads:
            first, second = sorted(threads.map(claim, ("one", "two")))
        assert first == ""
        assert "already served by" in second

    def test_large_uploads(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        size = 20 << 20
        response, body = lab.get("one.localhost", lab.ports[0], "/", body=bytes(size))
        assert response.status == 200
        assert body.endswith(f"{size})")

    def test_containers_reach_it_by_its_public_name(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 3, lab.upstreams[0]))
        code = f"import urllib.request as u; print(u.urlopen('http://one.localhost:{lab.ports[0]}/').status)"
        beside = lab.docker.name("b")  # in a network of the edge
        assert lab.docker.runtime.execute(beside, ["getent", "ahostsv4", "one.localhost"])[0] == 0
        assert lab.docker.runtime.execute(beside, ["python", "-c", code]) == (0, "200\n")

    def test_nothing_but_the_public_ports_is_open(self, lab: TraefikLab) -> None:
        found = lab.docker.inspect(lab.container)
        assert set(found["NetworkSettings"]["Ports"]) >= {f"{lab.ports[0]}/tcp"}
        published = {item["HostIp"] for items in found["NetworkSettings"]["Ports"].values() for item in items or ()}
        assert published == {"127.0.0.1"}
        assert [mount["Type"] for mount in found["Mounts"]] == ["volume"]  # no socket of the engine
        assert lab.request("one.localhost", lab.ports[0], "/api/rawdata") == (None, "")

    def test_an_edge_that_is_up_to_date_is_left_alone_quickly(self, lab: TraefikLab) -> None:
        before = lab.docker.inspect(lab.container)["State"]["StartedAt"]
        started = time.monotonic()
        for _ in range(10):
            lab.edge.ensure([Publish(lab.ports[0], lab.ports[0])], lab.networks)
        assert time.monotonic() - started < 2
        assert lab.docker.inspect(lab.container)["State"]["StartedAt"] == before

    def test_a_used_port_interrupts_nothing(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        identity = lab.docker.inspect(lab.container)["Id"]
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(EdgeError, match=f"port {port} .* is used") as caught:
                lab.edge.ensure([Publish(port, port)], {})
        assert str(port) in caught.value.hint
        assert lab.docker.inspect(lab.container)["Id"] == identity
        assert lab.request("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])

    def test_an_edge_elsewhere_is_reached_by_what_dials_there(self, lab: TraefikLab) -> None:
        dialled: list[tuple[str, int]] = []

        def dial(address: tuple[str, int], timeout: float) -> socket.socket:
            dialled.append(address)
            return socket.create_connection(address, timeout)

        edge = TraefikEdge(lab.docker.engine, name=lab.container, deadline=4.0, dial=dial)
        edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        home = lab.docker.inspect(lab.container)["NetworkSettings"]["Networks"][f"0-{lab.container}"]["IPAddress"]
        assert set(dialled) == {("127.0.0.1", lab.ports[0]), (home, 9)}
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(EdgeError, match=f"port {port} .* is used"):
                edge.ensure([Publish(port, port)], {})  # its own machine's ports can't be looked at: the engine says so
        assert lab.request("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])

    def test_the_control_port_is_closed_to_others(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        code = (
            "import urllib.request as u, urllib.error as e, sys\n"
            "for path in ('/routes/', '/routes/one.yml', '/metrics', '/authority/', '/authority/x'):\n"
            "    try: print(u.urlopen(u.Request(f'http://one.localhost:9{path}', method=sys.argv[1])).status)\n"
            "    except e.HTTPError as error: print(error.code)"
        )
        beside = lab.docker.name("b")
        for method in ("GET", "PUT", "DELETE"):
            code_, output = lab.docker.runtime.execute(beside, ["python", "-c", code, method])
            assert (code_, set(output.split())) == (0, {"403"})
        assert lab.request("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])

    def test_a_missing_network_interrupts_nothing(self, lab: TraefikLab) -> None:
        identity = lab.docker.inspect(lab.container)["Id"]
        port = lab.docker.port()
        with pytest.raises(EdgeError, match="does not exist"):
            lab.edge.ensure([Publish(port, port)], {lab.docker.name("missing"): ()})
        assert lab.docker.inspect(lab.container)["Id"] == identity

    def test_a_port_that_can_not_be_had_leaves_all_as_it_was(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        port = lab.docker.port()
        with pytest.raises(EdgeError, match="can't be started"):
            lab.edge.ensure([Publish(port, port, "203.0.113.7")], {})  # no address of this machine
        assert lab.request("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])

    def test_two_at_once_both_get_what_they_ask_for(self, lab: TraefikLab) -> None:
        ports = [lab.docker.port(), lab.docker.port()]
        edges = [TraefikEdge(lab.docker.engine, name=lab.container) for _ in ports]
        with ThreadPoolExecutor(2) as pool:
            calls = [
                pool.submit(edge.ensure, [Publish(port, port)], {}) for edge, port in zip(edges, ports, strict=True)
            ]
            for call in calls:
                call.result()
        for port in ports:
            assert lab.request("one.localhost", port, "/") == (None, "")

    def test_a_container_that_died_before_its_start_is_no_hindrance(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        port = lab.docker.port()
        spec = lab.edge._containers._spec(f"{lab.container}-9", [Publish(port, port)], [])
        lab.edge._containers._create(spec, {})
        lab.edge.ensure([Publish(lab.ports[0], lab.ports[0])], lab.networks)
        assert lab.request("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])
        lab.edge.trim()
        assert lab.docker.runtime.find(spec.name) is None

    def test_one_more_port_loses_no_request(self, lab: TraefikLab) -> None:
        """A second app asks for a port of its own, and goes again, while the first one has visitors."""
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        before = lab.docker.inspect(lab.container)["State"]["StartedAt"]
        with asking(lab.ports[0]) as both:
            port = lab.docker.port()
            lab.edge.ensure([Publish(port, port)], lab.networks)
            table = self.table(lab, 2, lab.upstreams[1], "two.localhost")
            lab.edge.switch("two", {**table, "url": {**table["url"], "port": port}})
            assert lab.request("two.localhost", port, "/") == (2, lab.upstreams[1])
            lab.edge.remove("two")
            lab.edge.trim()
        answers = [*both[0], *both[1]]
        assert len(answers) > 20
        assert set(answers) == {200}
        assert lab.docker.inspect(lab.container)["State"]["StartedAt"] == before
        with pytest.raises(ConnectionRefusedError):
            lab.request("two.localhost", port, "/")

    def test_only_trusted_proxies_are_believed_and_only_on_their_port(self, lab: TraefikLab) -> None:
        """The lab's requests come from the gateway of the container's own network."""
        told = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        port = lab.docker.port()
        url = {
            "scheme": "http",
            "host": "two.localhost",
            "port": port,
            "trusted": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
        }
        lab.edge.ensure([Publish(port, port)], lab.networks, url)
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        lab.edge.switch("two", {**self.table(lab, 2, lab.upstreams[1]), "url": url})
        assert "203.0.113.9" in lab.get("two.localhost", port, "/", **told)[1]
        assert "203.0.113.9" not in lab.get("one.localhost", lab.ports[0], "/", **told)[1]
        assert lab.edge.pending([Publish(port, port)], url) is None
        for trusted in ([], ["10.0.0.1/32"]):
            with pytest.raises(EdgeError, match="shared with two, which trusts other proxies"):
                lab.edge.ensure(
                    [Publish(port, port)], lab.networks, {**url, "host": "three.localhost", "trusted": trusted}
                )

    def test_one_of_an_older_version_stays_as_it_is_while_it_runs(self, lab: TraefikLab) -> None:
        name, port = lab.docker.name("older"), lab.docker.port()
        edge = TraefikEdge(lab.docker.engine, name=name, deadline=4.0)
        new = edge._containers._spec(name, [Publish(port, port)], [])
        labels = {key: value for key, value in new.labels.items() if key != LABEL_TRUSTED}
        edge._containers._create(dataclasses.replace(new, labels={**labels, LABEL_CONFIG: "older"}), {})
        lab.docker.runtime.start(name)
        edge._settle(edge._containers.members())
        identity, url = lab.docker.inspect(name)["Id"], {"scheme": "http", "host": "one.localhost", "port": port}
        more = lab.docker.port()
        edge.ensure([Publish(port, port)], lab.networks, url)
        edge.ensure([Publish(more, more)], lab.networks, {**url, "port": more})
        edge.switch("one", {**self.table(lab, 1, lab.upstreams[0]), "url": url})
        assert lab.request("one.localhost", port, "/") == (1, lab.upstreams[0])
        assert lab.docker.inspect(name)["Id"] == identity
        lab.docker.runtime.stop(name, 2)
        edge.ensure([], {})
        assert lab.docker.inspect(name)["Id"] != identity
        assert lab.request("one.localhost", port, "/") == (1, lab.upstreams[0])
        edge.remove("one")
        edge.trim()
        assert edge._containers.members() == []

    def test_a_port_that_was_given_back_meanwhile_is_taken_again(self, lab: TraefikLab) -> None:
        """Another process destroys the last environment of a port, between what this one ensures and switches."""
        port = lab.docker.port()
        lab.edge.ensure([Publish(port, port)], lab.networks)
        TraefikEdge(lab.docker.engine, name=lab.container).trim()
        table = self.table(lab, 2, lab.upstreams[1], "two.localhost")
        lab.edge.switch("two", {**table, "url": {**table["url"], "port": port}})
        assert lab.request("two.localhost", port, "/") == (2, lab.upstreams[1])

    def test_a_visitor_reaches_the_public_address_and_no_container(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        other = lab.docker.inspect(lab.docker.name("b"))["NetworkSettings"]["Networks"][lab.network]["IPAddress"]
        program = (
            "import socket, sys\n"
            "def tried(act):\n"
            "    try: act(); return 'yes'\n"
            "    except OSError as error: return type(error).__name__\n"
            "one, other, port = sys.argv[1:]\n"
            "print(tried(lambda: socket.create_connection((one, int(port)), 60)), tried(lambda: socket.create_connection((other, 8000), 2)),"
            " tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 768)))"
        )
        url = {"scheme": "http", "host": "one.localhost", "port": lab.ports[0]}
        network = lab.docker.name("visit")
        with lab.edge.visit("one", url, network, {LABEL_APP: lab.docker.app}) as place:
            seen = lab.run(place, "python", "-c", program, "one.localhost", other, str(lab.ports[0]))
        assert seen.split() == ["yes", "TimeoutError", "PermissionError"]
        with (
            pytest.raises(EngineError, match="of the block"),
            lab.edge.visit("one", url, network, {LABEL_APP: lab.docker.app}),
        ):
            raise EngineError("a failure of the block, not of the edge")
        assert lab.docker.runtime.find(network) is None
        assert not lab.docker.runtime.has_network(network)

    def test_switches_lose_no_request(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        with asking(lab.ports[0]) as both:
            for release in range(2, 60):
                lab.edge.switch("one", self.table(lab, release, lab.upstreams[release % 2]))
        answers = [*both[0], *both[1]]
        assert len(answers) > 20
        assert set(answers) == {200}

    def test_networks_that_come_and_go_lose_no_request(self, lab: TraefikLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        names = [f"1{lab.docker.app}", f"z{lab.docker.app}"]  # before and after the others in alphabetical order
        with asking(lab.ports[0]) as both:
            for name in names:
                lab.docker.runtime.ensure_network(name, {})
                lab.edge.ensure([], {name: ("x.localhost",)})
            for name in names:
                lab.docker.runtime.remove_network(name)
        answers = [*both[0], *both[1]]
        assert len(answers) > 10
        assert set(answers) == {200}

    def test_it_starts_without_a_network_that_was_removed_meanwhile(self, lab: TraefikLab) -> None:
        gone = lab.docker.name("gone")
        lab.docker.runtime.ensure_network(gone, {})
        lab.edge.ensure([], {gone: ()})
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        lab.restart()
        lab.docker.runtime.remove_network(gone)
        lab.edge.ensure([], {})
        assert lab.request("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])

    def test_routes_that_an_older_version_wrote(self, lab: TraefikLab) -> None:
        old = {
            "release": 1,
            "url": {"host": "one.localhost", "port": lab.ports[0]},
            "routes": [{"name": "front", "prefix": "/", "health": "/", "upstreams": [lab.upstreams[0]]}],
        }
        text = f"# {json.dumps(old)}\n{{}}\n"
        command = ["sh", "-c", 'printf "%s" "$1" > /routes/one.yml', "sh", text]
        assert lab.docker.runtime.execute(lab.container, command)[0] == 0
        lab.restart()
        lab.edge.ensure([], {})
        assert lab.request("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])

    def test_routes_of_a_stopped_edge(self, lab: TraefikLab) -> None:
        table = self.table(lab, 1, lab.upstreams[0])
        lab.edge.switch("one", table)
        lab.restart()
        assert lab.edge.routes("one") == table
        with pytest.raises(EdgeError, match="isn't running"):
            TraefikEdge(lab.docker.engine, name=lab.container).switch("one", self.table(lab, 2, lab.upstreams[1]))
        lab.edge.remove("one")
        assert lab.edge.routes("one") is None
        lab.edge.ensure([], {})
        assert lab.request("one.localhost", lab.ports[0], "/") == (None, "")

    def test_a_container_of_somebody_else_is_not_touched(self, lab: TraefikLab) -> None:
        name = lab.docker.name("theirs")
        lab.docker.runtime.create(ContainerSpec(name, "redis:7", {LABEL_APP: "theirs", LABEL_CONFIG: "1"}))
        edge = TraefikEdge(lab.docker.engine, name=name)
        with pytest.raises(EdgeError, match="Shipway did not create"):
            edge.ensure([], {})
        assert edge.routes("one") is None
