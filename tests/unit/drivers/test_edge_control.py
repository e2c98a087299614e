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


class _Edge(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(FILES).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Edge)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_is_asked_again_while_it_starts(port: int) -> None:
    refused = 3

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        nonlocal refused
        if refused:
            refused -= 1
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.create_connection(("127.0.0.1", port), timeout)

    with Control(dial, "edge", "token") as asked:
        assert asked.files() == FILES
    assert refused == 0


def test_one_that_never_listens_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "STARTING", 0.3)

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(EdgeError, match="control port doesn't answer"), Control(dial, "edge", "token") as asked:
        asked.files()
