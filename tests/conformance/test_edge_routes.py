"""Host names and options of routes on every Edge, and what only the real proxy shows."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
from collections.abc import Mapping

import pytest

from shipway.domain.container import LABEL_APP, LABEL_CONFIG, ContainerSpec, Publish
from shipway.domain.routes import blend, route
from shipway.drivers.edge.container import LABEL_LIMITS
from shipway.drivers.edge.traefik import TraefikEdge
from shipway.testing.edge_routes import HASH, PASSWORD, RouteContract
from shipway.testing.memory import MemoryEdge
from shipway.testing.replies import Reply
from tests.conformance.edge_lab import OnTraefik, TraefikLab, asking

pytestmark = pytest.mark.machine


class MemoryRouteLab:
    networks = {"net": ("one.localhost",)}
    upstreams = ("http://a:8000", "http://b:8000", "http://c:8000")
    ports = (80, 81, 82)
    client = "203.0.113.7"

    def __init__(self) -> None:
        self.edge = MemoryEdge()
        self.edge.passwords[HASH] = PASSWORD

    def ask(
        self,
        host: str,
        port: int,
        path: str,
        *,
        method: str = "GET",
        body: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        return self.edge.ask(host, port, path, method=method, body=body, headers=headers)

    def inside(self, host: str, port: int, path: str) -> tuple[int | None, str]:
        return self.edge.request(host, port, path, inside=True)


class TestMemoryRoutes(RouteContract):
    @pytest.fixture
    def lab(self) -> MemoryRouteLab:
        return MemoryRouteLab()


@pytest.mark.engine
class TestTraefikRoutes(OnTraefik, RouteContract):
    def test_changing_options_loses_no_request(self, lab: TraefikLab) -> None:
        every = {
            "strip": True, "response_headers": {"X-A": "b"}, "body": 1000, "compress": True, "sticky": True, "timeout": 9,
        }  # fmt: skip
        with asking(lab.ports[0], f"one.localhost:{lab.ports[0]}") as both:
            for round in range(6):
                options = {"aliases": ["alias.localhost"], "redirects": ["old.localhost"]} if round % 2 else {}
                self.switch(lab, self.front(lab, **(every if round % 2 else {})), self.api(lab), **options)
            old, new = (
                {"release": number, "url": self.url(lab), "routes": [
                    route("front", "/", "/", number, [lab.upstreams[number]], options=every)]}
                for number in (1, 2)
            )  # fmt: skip
            lab.edge.switch("one", old)
            lab.edge.switch("one", blend(old, new, 0.5))
            lab.edge.switch("one", new)
        for answers in both:
            assert len(answers) > 5
            assert set(answers) <= {200, 404}
            assert 404 not in answers[answers.index(200) :]

    def test_what_is_private_stays_so(self, lab: TraefikLab) -> None:
        self.switch(lab, self.front(lab), access={"users": [f"ada:{HASH}"]})
        path = "/.well-known/shipway/one/1"
        assert self.get(lab, path).status == 403  # the health path of what is private is so too
        assert lab.edge.probe("one", 1) is None
        assert self.get(lab, "/", headers=self.login("ada", PASSWORD)).headers["x-given-private"] == ""
        token = {"x-shipway-token": lab.docker.inspect(lab.container)["Config"]["Labels"]["shipway.edge.token"]}
        health = self.get(lab, path, headers=token)
        assert (health.status, health.headers["x-given-private"]) == (200, "")
        assert HASH not in json.dumps(list(lab.docker.runtime.logs(lab.container)))

    def test_addresses_behind_a_trusted_proxy(self, lab: TraefikLab) -> None:
        """The lab's requests come from the gateway, here as from a load balancer."""
        port = lab.docker.port()
        url = self.url(lab, host="two.localhost", port=port, trusted=["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
        lab.edge.ensure([Publish(port, port)], lab.networks, url)
        access = {"allow": ["198.51.100.0/24"]}
        lab.edge.switch("two", {"release": 1, "url": url, "routes": [self.front(lab)], "access": access})

        def status(*chain: str) -> int:
            headers = {"x-forwarded-for": ", ".join(chain)} if chain else {}
            return lab.ask("two.localhost", port, "/", headers=headers).status

        assert status("198.51.100.9") == 200
        assert status("203.0.113.1", "198.51.100.9") == 200
        assert status("198.51.100.9", "203.0.113.1") == 403  # only the last one is the load balancer's word
        assert status() == 403

    def test_a_body_of_unknown_length_is_cut_off(self, lab: TraefikLab) -> None:
        self.switch(lab, self.front(lab, body=1000))

        def send(pieces: int) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", lab.ports[0], timeout=60)
            connection.request(
                "POST", "/", (b"x" * 100 for _ in range(pieces)), {"Host": "one.localhost"}, encode_chunked=True
            )
            status = connection.getresponse().status
            connection.close()
            return status

        assert send(500) >= 400

    def test_http2_without_tls_to_the_service(self, lab: TraefikLab) -> None:
        name = lab.docker.name("h2c")
        file = "{\n admin off\n servers {\n  protocols h2c\n }\n}\n:8000 {\n respond {http.request.proto}\n}\n"
        spec = ContainerSpec(
            name, "caddy:2", {LABEL_APP: lab.docker.app, LABEL_CONFIG: "1"}, networks={lab.network: ()},
            command=("sh", "-c", f"printf '{file}' > /tmp/f && exec caddy run --config /tmp/f --adapter caddyfile"),
        )  # fmt: skip
        lab.docker.runtime.create(spec)
        lab.docker.runtime.start(name)
        for _ in range(100):
            if any("serving initial configuration" in line for line in lab.docker.runtime.logs(name)):
                break
            socket.socket().close()
        for upstreams in ([f"h2c://{name}:8000"], [f"h2c://{name}:1", f"h2c://{name}:8000"]):
            self.switch(lab, route("front", "/", "/", 1, upstreams))
            assert [lab.get("one.localhost", lab.ports[0], "/")[1] for _ in range(3)] == ["HTTP/2.0"] * 3

    def test_an_edge_whose_plugin_limits_no_bodies_is_recreated(self, lab: TraefikLab) -> None:
        name, port = lab.docker.name("older"), lab.docker.port()
        edge = TraefikEdge(lab.docker.engine, name=name, deadline=4.0)
        spec = edge._containers._spec(name, [Publish(port, port)], [])
        older = dataclasses.replace(
            spec, labels={key: value for key, value in spec.labels.items() if key != LABEL_LIMITS}
        )
        edge._containers._create(older, {})
        edge._containers._start(older)
        edge._settle(edge._containers.members())
        url = {**self.url(lab), "port": port}
        edge.ensure([Publish(port, port)], lab.networks, url)
        edge.switch("one", {"release": 1, "url": url, "routes": [self.front(lab)]})
        assert edge.pending([Publish(port, port)], url) is None
        limited = {**url, "limits": True}
        assert "to limit the bodies of requests" in (edge.pending([Publish(port, port)], limited) or "")
        edge.ensure([Publish(port, port)], lab.networks, limited)
        assert edge.pending([Publish(port, port)], limited) is None
        assert lab.ask("one.localhost", port, "/").status == 200
        edge.remove("one")
        edge.trim()

    def test_a_container_that_accepts_no_connection_costs_no_request(self, lab: TraefikLab) -> None:
        gone = lab.server("gone")
        lab.docker.runtime.stop(gone, 0)  # its name can't be resolved
        upstreams = [lab.broken, f"http://{gone}:8000", lab.upstreams[1], lab.upstreams[2]]
        table = {"release": 1, "url": self.url(lab), "routes": [route("front", "/", "/", 1, upstreams)]}
        lab.edge.switch("one", table)
        answers = [
            lab.ask("one.localhost", lab.ports[0], "/x", method=method, body=100_000) for method in ["GET", "POST"] * 6
        ]
        assert [answer.status for answer in answers] == [200] * 12
        assert {answer.upstream for answer in answers} == set(upstreams[2:])

    def test_a_connection_of_its_own_for_each_request(self, lab: TraefikLab) -> None:
        def connections(**options: object) -> int:
            front = route("front", "/", "/", 1, lab.upstreams[:2], options=options)
            lab.edge.switch("one", {"release": 1, "url": self.url(lab), "routes": [front]})
            found = [lab.get("one.localhost", lab.ports[0], "/x")[0].headers["X-Connection"] for _ in range(8)]
            return len(set(found))

        assert connections(fresh=True) == 8
        assert connections() < 8
        # Else each of them would keep a port of the edge for a minute.
        given = lab.docker.inspect(lab.container)["HostConfig"]["Sysctls"]
        assert given == {"net.ipv4.tcp_tw_reuse": "1"}

    def test_websockets_and_streams_behind_several_containers(self, lab: TraefikLab) -> None:
        """What sends a request to another container must not hold up what flows in both directions."""
        upstreams = [lab.broken, *lab.upstreams[1:]]
        lab.edge.switch("one", {"release": 1, "url": self.url(lab), "routes": [route("front", "/", "/", 1, upstreams)]})
        for _ in upstreams:  # each of them may be the first
            with socket.create_connection(("127.0.0.1", lab.ports[0]), 60) as client:
                client.sendall(
                    b"GET /x HTTP/1.1\r\nHost: one.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                )
                stream = client.makefile("rb")
                assert b"101" in next(iter(stream))
                assert list(iter(stream.readline, b"\r\n"))
                client.sendall(b"hello\n")
                assert stream.readline() == b"hello\n"
            connection = http.client.HTTPConnection("127.0.0.1", lab.ports[0], timeout=60)
            pieces = (b"x" * 100_000 for _ in range(20))
            connection.request("POST", "/x", pieces, {"Host": "one.localhost"}, encode_chunked=True)
            response = connection.getresponse()
            assert (response.status, b"2000000)" in response.read()) == (200, True)
            connection.close()
