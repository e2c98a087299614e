"""A real edge with small servers behind it, and who asks all the time."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import pytest

from shipway.domain.container import LABEL_APP, LABEL_CONFIG, LABEL_NAME, ContainerSpec
from shipway.drivers.edge.traefik import TraefikEdge
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import SHARED
from shipway.ports import Dial
from shipway.testing.replies import Reply
from tests.conformance.labs import DockerLab

SERVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    def answer(self):
        if self.headers.get("Upgrade"):
            return self.echo()
        if self.path.endswith("/slow"):
            time.sleep(3)
        size = 0
        for length in iter(self.pieces().__next__, 0):
            size += len(self.rfile.read(length))
        forwarded = self.headers.get("X-Forwarded-Host", ""), self.headers.get("X-Forwarded-For", ""), size
        padding = "." * 4096 if "/large" in self.path else ""
        content = f"{sys.argv[1]} {self.path} {forwarded}{padding}".encode()
        self.send_response(500 if self.path == "/fail" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Connection", f"{sys.argv[1]} {self.client_address}")
        self.send_header("X-Given-Id", self.headers.get("X-Request-Id", ""))
        private = [name for name in ("Authorization", "X-Shipway-Token") if name in self.headers]
        self.send_header("X-Given-Private", " ".join(private))
        self.end_headers()
        self.wfile.write(content)
    def pieces(self):
        while self.headers.get("Transfer-Encoding") == "chunked":
            size = int(self.rfile.readline() or b"0", 16)
            yield size
            self.rfile.readline()
        left = int(self.headers.get("Content-Length", 0))
        while left:
            yield min(left, 65536)
            left -= min(left, 65536)
        yield 0
    def echo(self):
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.wfile.flush()
        while line := self.rfile.readline():
            self.wfile.write(line)
            self.wfile.flush()
        self.close_connection = True
    do_GET = do_POST = answer
    def log_message(self, *args): pass

ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


class TraefikLab:
    """One edge and three small servers. dial: connects to what the engine's machine sees."""

    def __init__(self, engine: Engine | None = None, dial: Dial = socket.create_connection) -> None:
        self.docker = DockerLab(engine)
        self._dial = dial
        self.network = self.docker.name("net")
        self.networks: Mapping[str, Sequence[str]] = {self.network: ("one.localhost",)}
        self.ports = (self.docker.port(), self.docker.port(), self.docker.port())
        self.edge = TraefikEdge(self.docker.engine, name=self.docker.name("edge"), deadline=4.0, dial=dial)
        self.docker.runtime.ensure_network(self.network, {LABEL_APP: self.docker.app})
        names = [self.server(suffix) for suffix in ("a", "b", "c")]
        self.upstreams = (f"http://{names[0]}:8000", f"http://{names[1]}:8000", f"http://{names[2]}:8000")
        self.broken = f"http://{names[0]}:1"

    def server(self, suffix: str) -> str:
        name = self.docker.name(suffix)
        spec = ContainerSpec(
            name=name,
            image="python:3.11-slim-bookworm",
            labels={LABEL_APP: self.docker.app, LABEL_CONFIG: "1"},
            command=("python", "-c", SERVER, name),
            networks={self.network: ()},
        )
        self.docker.runtime.create(spec)
        self.docker.runtime.start(name)
        return name

    def get(self, host: str, port: int, path: str, **more: object) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.sock = self._dial(("127.0.0.1", port), 10)
            method, body = ("POST", more.pop("body")) if "body" in more else ("GET", None)
            connection.request(method, path, body, headers={"Host": f"{host}:{port}", **more})  # type: ignore[arg-type, dict-item]
            response = connection.getresponse()
            return response, response.read().decode()
        finally:
            connection.close()

    def request(self, host: str, port: int, path: str, *, inside: bool = False) -> tuple[int | None, str]:
        if inside:
            return self.inside(host, port, path)
        response, body = self.get(host, port, path)
        if response.status == 404 and not response.headers.get("X-Shipway-Release"):
            return None, ""
        if response.status == 503:
            assert response.headers["Cache-Control"] == "no-store"
            assert int(response.headers["Retry-After"]) > 0
            return None, body
        assert response.status == (500 if path == "/fail" else 200), body
        assert body.split()[1] == path
        return int(response.headers["X-Shipway-Release"]), f"http://{body.split()[0]}:8000"

    @property
    def client(self) -> str:
        """The gateway of the container's own network."""
        networks = self.docker.inspect(self.container)["NetworkSettings"]["Networks"]
        return str(networks[f"0-{self.container}"]["Gateway"])

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
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            content = bytes(body) if method != "GET" else None
            with suppress(BrokenPipeError, ConnectionResetError):  # it may refuse a body before it has read all
                connection.request(method, path, content, {"Host": f"{host}:{port}", **(headers or {})})
            response = connection.getresponse()
            text = response.read()
            found = {name.lower(): value for name, value in response.headers.items()}
            packed = found.get("content-encoding") == "gzip"
            words = (gzip.decompress(text) if packed else text).decode().split()
            served = response.status == 200 and len(words) > 1
            upstream = (f"http://{words[0]}:8000", words[1]) if served else ("", "")
            return Reply(response.status, found, *upstream)
        finally:
            connection.close()

    def inside(self, host: str, port: int, path: str) -> tuple[int | None, str]:
        code = (
            "import http.client as h, sys; c = h.HTTPConnection(sys.argv[4], int(sys.argv[2])); "
            "c.request('GET', sys.argv[3], headers={'Host': sys.argv[1]}); r = c.getresponse(); "
            "print(r.headers['X-Shipway-Release'], r.read().decode().split()[0])"
        )
        url = {"scheme": "http", "host": host, "port": port}
        with self.edge.visit(
            "one", url, self.docker.name("visit"), {LABEL_APP: self.docker.app, LABEL_CONFIG: "1"}
        ) as place:
            lines = [self.run(place, "python", "-c", code, host, str(port), path, to) for to in ("127.0.0.1", host)]
        assert lines[0] == lines[1], lines
        return int(lines[0].split()[0]), f"http://{lines[0].split()[1]}:8000"

    def run(self, network_of: str, *command: str) -> str:
        """Its output, in the network namespace of that container."""
        name = self.docker.name("inside")
        spec = ContainerSpec(
            name=name,
            image="python:3.11-slim-bookworm",
            labels={LABEL_APP: self.docker.app, LABEL_CONFIG: "1"},
            command=command,
            network_of=network_of,
        )
        self.docker.runtime.create(spec)
        self.docker.runtime.start(name)
        try:
            assert self.docker.runtime.wait(name, 20) == 0, list(self.docker.runtime.logs(name))
            return "\n".join(self.docker.runtime.logs(name))
        finally:
            self.docker.runtime.remove(name)

    @property
    def container(self) -> str:
        """Of the edge: the first one."""
        return self.docker.name("edge")

    def restart(self) -> None:
        for found in self.docker.runtime.list({LABEL_APP: SHARED, LABEL_NAME: self.container}):
            self.docker.runtime.stop(found.name, 5)


@contextmanager
def asking(port: int, host: str = "one.localhost") -> Iterator[tuple[list[object], list[object]]]:
    """Ask all the time, on a connection that is kept and on new ones: status of each answer, or what went wrong.

    Two lists, each in the order of its requests; between them no order is known.
    """
    both: tuple[list[object], list[object]] = [], []
    done = threading.Event()

    def ask(answers: list[object], keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not done.wait(0.02):
            try:
                connection.request("GET", "/", headers={"Host": host})
                response = connection.getresponse()
                response.read()
                answers.append(response.status)
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))
                connection.close()
            if not keep:
                connection.close()
        connection.close()

    threads = [threading.Thread(target=ask, args=asked) for asked in zip(both, (True, False), strict=True)]
    for thread in threads:
        thread.start()
    try:
        yield both
    finally:
        done.set()
        for thread in threads:
            thread.join()


class OnTraefik:
    """Tests of a contract on the real proxy, which keeps no routes between them."""

    @pytest.fixture
    def lab(self, traefik: TraefikLab) -> Iterator[TraefikLab]:
        yield traefik
        for owner in ("one", "two"):
            traefik.edge.remove(owner)
