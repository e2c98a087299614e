"""Requests by URL against servers on this machine: proxies, redirects and certificates."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shipway.system.fetch import REDIRECTS, Fetcher
from tests.unit.certificates import certificate

LOGIN = "Basic YWRhOnMzY3JldCEh"  # ada:s3cret!!


class Server(ThreadingHTTPServer):
    """Redirects by `redirects`, all else gets 200. As a proxy it leads all connections to `target`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.redirects: dict[str, tuple[int, str]] = {}
        self.target: Server | None = None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that don't trust a certificate are part of the script."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, body))
        self.server.headers.append(dict(self.headers.items()))
        status, location = self.server.redirects.get(self.path, (200, ""))
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"content")

    do_HEAD = do_POST = do_PUT = do_GET

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.command, self.path, b""))
        self.server.headers.append(dict(self.headers.items()))
        if self.server.target is None:
            return self.send_error(403, "Forbidden")
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.target.port)) as there:
            back = threading.Thread(target=_copy, args=(there, self.connection), daemon=True)
            back.start()
            _copy(self.connection, there)
            back.join(5)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _copy(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):  # a client that doesn't trust the certificate goes first
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    both = (Server(), Server())
    yield both
    for server in both:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(servers: tuple[Server, Server]) -> Server:
    return servers[0]


@pytest.fixture
def other(servers: tuple[Server, Server]) -> Server:
    return servers[1]


def fetcher(*, direct: bool = False) -> Fetcher:
    return Fetcher(5.0, direct=direct)


def test_a_plain_address_through_a_proxy(other: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://ada:s3cret%21%21@127.0.0.1:{other.port}")
    assert fetcher().fetch("GET", "http://shop.example/a?b=c#d", {}).body == b"content"
    assert other.asked == [("GET", "http://shop.example/a?b=c", b"")]
    assert other.headers[0]["Host"] == "shop.example"
    assert other.headers[0]["Proxy-Authorization"] == LOGIN


def test_an_encrypted_address_through_a_proxy(
    server: Server, other: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificate(tmp_path, "DNS:shop.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    other.target = server
    monkeypatch.setenv("https_proxy", f"ada:s3cret!!@127.0.0.1:{other.port}")
    with pytest.raises(ssl.SSLCertVerificationError):
        fetcher().fetch("GET", "https://shop.example/a", {})
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    assert fetcher().fetch("GET", "https://shop.example/a", {}, private={"Authorization": "x"}).body == b"content"
    assert other.asked[-1] == ("CONNECT", "shop.example:443", b"")
    assert other.headers[-1]["Proxy-Authorization"] == LOGIN
    assert "Authorization" not in other.headers[-1]
    assert server.asked == [("GET", "/a", b"")]
    assert server.headers[0]["Host"] == "shop.example"
    assert "Proxy-Authorization" not in server.headers[0]
    with pytest.raises(ssl.SSLCertVerificationError):
        fetcher().fetch("GET", "https://other.example/a", {})


def test_a_proxy_that_refuses(other: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{other.port}")
    with pytest.raises(OSError, match="403 Forbidden"):
        fetcher().fetch("GET", "https://shop.example/", {})


def test_addresses_that_the_proxy_is_not_for(server: Server, other: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{other.port}")
    fetcher(direct=True).fetch("GET", f"http://127.0.0.1:{server.port}/", {})
    monkeypatch.setenv("no_proxy", "example.org, 127.0.0.1")
    fetcher().fetch("GET", f"http://127.0.0.1:{server.port}/", {})
    assert (len(server.asked), other.asked) == (2, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_redirects_are_followed(server: Server, other: Server, method: str, status: int) -> None:
    server.redirects = {"/a/b": (status, "c d?e"), "/a/c%20d?e": (status, f"http://127.0.0.1:{other.port}")}
    headers, private = {"Accept": "text/x", "Content-Type": "text/y"}, {"Authorization": "secret"}
    answer = fetcher().fetch(method, f"http://127.0.0.1:{server.port}/a/b", headers, private=private)
    assert answer.status == 200
    assert server.asked == [(method, "/a/b", b""), (method, "/a/c%20d?e", b"")]
    assert other.asked == [(method, "/", b"")]
    sent = [*server.headers, *other.headers]
    assert [item["Accept"] for item in sent] == ["text/x"] * 3
    assert ["Authorization" in item for item in sent] == [True, False, False]
    assert ["Content-Type" in item for item in sent] == [True, False, False]


def test_an_upload_is_not_repeated_elsewhere(server: Server) -> None:
    server.redirects = {"/a": (307, "/b"), "/c": (303, "/d")}
    base = f"http://127.0.0.1:{server.port}"
    assert fetcher().fetch("PUT", f"{base}/a", {}, b"x").status == 307
    assert fetcher().fetch("PUT", f"{base}/c", {}, b"x").status == 303
    assert fetcher().fetch("POST", f"{base}/a", {}, b"x").status == 307
    assert fetcher().fetch("POST", f"{base}/c", {}, b"x").status == 200
    assert server.asked[-2:] == [("POST", "/c", b"x"), ("GET", "/d", b"")]
    assert len(server.asked) == 5


def test_redirects_without_end_and_to_no_web_address(server: Server) -> None:
    server.redirects = {"/a": (302, "/a"), "/b": (302, "file:///etc/passwd"), "/c": (302, "")}
    base = f"http://127.0.0.1:{server.port}"
    assert fetcher().fetch("GET", f"{base}/a", {}).status == 302
    assert len(server.asked) == REDIRECTS + 1
    assert fetcher().fetch("GET", f"{base}/b", {}).status == 302
    assert fetcher().fetch("GET", f"{base}/c", {}).status == 302


@pytest.mark.parametrize("url", ["http://shop.example:abc/", "http://[::1/", "ftp://shop.example/", "shop.example"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(OSError, match="invalid address"):
        fetcher().fetch("GET", url, {})
