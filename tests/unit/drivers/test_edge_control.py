"""The control port of an edge that begins to listen while it is asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shipway.domain.errors import EdgeError
from shipway.drivers.edge import control
from shipway.drivers.edge.control import Control

FILES = {"shop.json": "{}"}


class _Server(HTTPServer):
    unread = 0  # so many answers come before it has read its routes
    missing = "404 page not found\n"


class _Edge(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        read = self.server.unread == 0
        self.server.unread -= not read
        body = json.dumps(FILES).encode() if read else self.server.missing.encode()
        self.send_response(200 if read else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def edge() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Edge)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def at(edge: _Server) -> Control:
    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", edge.server_port), timeout)

    return Control(dial, "edge", "token")


def test_it_is_asked_again_while_it_starts(edge: _Server) -> None:
    refused = 3

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        nonlocal refused
        if refused:
            refused -= 1
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.create_connection(("127.0.0.1", edge.server_port), timeout)

    with Control(dial, "edge", "token") as asked:
        assert asked.files() == FILES
    assert refused == 0


def test_one_that_never_listens_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "STARTING", 0.3)

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(EdgeError, match="control port doesn't answer"), Control(dial, "edge", "token") as asked:
        asked.files()


def test_it_is_asked_again_while_it_has_not_read_its_routes(edge: _Server) -> None:
    edge.unread = 3
    with at(edge) as asked:
        assert asked.files() == FILES
    assert edge.unread == 0


def test_one_that_never_reads_its_routes_is_an_error(edge: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "STARTING", 0.3)
    edge.unread = 1000
    with pytest.raises(EdgeError, match="returns status 404: 404 page not found"), at(edge) as asked:
        asked.files()


def test_what_the_plugin_does_not_find_is_an_error_at_once(edge: _Server) -> None:
    edge.unread, edge.missing = 1, "no such file\n"
    with pytest.raises(EdgeError, match="status 404: no such file"), at(edge) as asked:
        asked.files()
