"""The engine's client against a scripted server on a unix socket: what it says when things go wrong."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import DiskFull, EngineError
from shipway.drivers.runtime import engine as module
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine, EngineRefused, EngineTimeout
from tests.unit.certificates import certificate


class Scripted(socketserver.ThreadingUnixStreamServer):
    """Answers `paths`; remembers what was asked."""

    daemon_threads = True
    api = "1.41"

    def __init__(self, path: Path) -> None:
        self.asked: list[str] = []
        super().__init__(str(path), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the script."""


# Answers as they are sent, by the last part of the path.
ANSWERS = {
    "chunks": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4;a=b\r\n{"a"\r\n5\r\n: 1}\n\r\n0\r\n\r\n',
    "lost-chunk": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n5\r\n: 1',
    "no-last-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "cut-in-a-chunk": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a',
    "no-size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n",
    "no-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "until-the-end": b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}',
    "lost-end": b'HTTP/1.0 200 OK\r\n\r\n{"a": ',
    "no-http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "no-answer": b"",
    "nothing": b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/_ping":
            return self.answer(200, b"OK", api=self.server.api)
        name = self.path.rpartition("/")[2]
        if name == "silent":
            threading.Event().wait(3)
        elif name == "broken":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only a part")
        elif name in ANSWERS:
            self.wfile.write(ANSWERS[name])
        elif name == "garbage":
            self.answer(500, b"<html>not json</html>")
        elif name == "full":
            self.answer(500, b'{"message": "write /a: no space left on device"}')
        elif name == "wrong":
            self.answer(500, json.dumps({"message": "the engine's own words"}).encode())
        else:
            self.answer(200, b'{"a": 1}')
        self.close_connection = True

    def do_PUT(self) -> None:
        self.answer(404, b'{"message": "no such folder"}')
        self.connection.shutdown(2)

    def answer(self, status: int, content: bytes, api: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if api:
            self.send_header("Api-Version", api)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def address_string(self) -> str:
        return "socket"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Scripted]:
    server = Scripted(tmp_path / "docker.sock")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine(server: Scripted) -> Engine:
    return Engine(f"unix://{server.server_address!s}")


@pytest.mark.parametrize(("newest", "spoken"), [("1.40", "/v1.40"), ("1.41", "/v1.41"), ("1.52", "/v1.44")])
def test_the_version_is_what_both_know(server: Scripted, engine: Engine, newest: str, spoken: str) -> None:
    server.api = newest
    assert engine.call("GET", "/a") == {"a": 1}
    engine.call("GET", "/a")
    assert server.asked == ["/_ping", f"{spoken}/a", f"{spoken}/a"]


def test_errors_are_the_engines_own_words(engine: Engine) -> None:
    with pytest.raises(EngineRefused, match=r"^the engine's own words$") as caught:
        engine.call("GET", "/wrong")
    assert caught.value.status == 500
    assert engine.call("GET", "/wrong", fine=(500,)) is None
    with pytest.raises(EngineError, match="not json"):
        engine.call("GET", "/garbage")


def test_a_full_disk_has_an_error_of_its_own(engine: Engine) -> None:
    with pytest.raises(DiskFull, match="write /a: no space left on device") as caught:
        engine.call("GET", "/full")
    assert "shipway prune" in caught.value.hint


def test_silence_is_an_error_after_a_while(engine: Engine) -> None:
    with pytest.raises(EngineTimeout):
        engine.call("GET", "/silent", timeout=0.1)


def test_a_start_that_hangs_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*given: object, **more: object) -> None:
        raise EngineTimeout("it did not answer in time")

    monkeypatch.setattr(engine, "call", silent)
    with pytest.raises(EngineError, match=r"did not start container shop_web within \d+ s") as caught:
        DockerRuntime(engine).start("shop_web")
    assert "docker inspect shop_web" in caught.value.hint


def test_a_connection_that_breaks(engine: Engine) -> None:
    with pytest.raises(EngineError, match="was lost"):
        engine.call("GET", "/broken")


@pytest.mark.parametrize("path", ["/chunks", "/until-the-end"])
def test_a_body_in_any_form(engine: Engine, path: str) -> None:
    assert engine.call("GET", path) == {"a": 1}


def test_an_answer_without_a_body(engine: Engine) -> None:
    assert engine.call("GET", "/nothing") is None


@pytest.mark.parametrize(
    "path",
    [
        "/lost-chunk",
        "/no-last-chunk",
        "/cut-in-a-chunk",
        "/no-chunk",
        "/no-size",
        "/lost-end",
        "/no-http",
        "/no-answer",
    ],
)
def test_an_answer_that_ends_early(engine: Engine, path: str) -> None:
    with pytest.raises(EngineError, match=r"was lost|sent an incomplete answer to GET /lost-end") as caught:
        engine.call("GET", path)
    assert "docker -H unix:" in caught.value.hint


def test_a_refusal_in_the_middle_of_an_upload_is_told(engine: Engine) -> None:
    with pytest.raises(EngineError, match="no such folder"):
        DockerRuntime(engine).put("a", "/", iter([bytes(1 << 20)] * 20))


def test_errors_of_the_caller_stay_his(engine: Engine) -> None:
    with pytest.raises(BrokenPipeError), engine.open("GET", "/a"):
        raise BrokenPipeError


def test_docker_does_not_run(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "docker.sock"))
    for path in (tmp_path / "docker.sock", tmp_path / "missing.sock"):
        with pytest.raises(EngineError, match=f"isn't running.*{path}") as caught:
            DockerRuntime(Engine(f"unix://{path}")).ping()
        assert "systemctl start docker" in caught.value.hint


def test_no_access(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    def refuse(path: str, timeout: float) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "connect_unix", refuse)
    with pytest.raises(EngineError, match="denies access") as caught:
        engine.call("GET", "/a")
    assert "docker group" in caught.value.hint


def test_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert Engine().address == "unix:///var/run/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert Engine().address == "tcp://127.0.0.1:1"
    with pytest.raises(EngineError, match="isn't running"):
        Engine().call("GET", "/a")
    with pytest.raises(EngineError, match="can't connect to") as caught:
        Engine("ssh://somewhere").call("GET", "/a")
    assert "hosts: [ssh://somewhere]" in caught.value.hint


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """ca.pem, cert.pem and key.pem of 127.0.0.1: one pair for both sides, signed by itself."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    made = certificate(folder, "IP:127.0.0.1")
    (folder / "ca.pem").write_bytes(made.certificate.read_bytes())
    return folder


def test_tls_on_both_sides(certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), TlsHandler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    try:
        assert Engine().call("GET", "/version") == {"Version": "29"}
        other = tmp_path / "other"
        other.mkdir()
        monkeypatch.setenv("DOCKER_CERT_PATH", str(other))
        with pytest.raises(EngineError, match=r"TLS failed: self.signed certificate") as caught:
            Engine().call("GET", "/version")
        assert str(other) in caught.value.hint
    finally:
        server.shutdown()
        server.server_close()


class TlsHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b'{"Version": "29"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Api-Version", "1.41")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass
