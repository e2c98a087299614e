"""The messages of probes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from shipway.system.probe import probe, probe_tcp


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body, headers = {
            "/ok": (200, b"fine", {}), "/moved": (301, b"", {"Location": "/login"}), "/busy": (503, b"no database", {}),
        }.get(self.path, (404, b"", {}))  # fmt: skip
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "X-Shipway-Release": "7"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "ok", "words"),
    [
        ("/ok", True, "200"),
        ("/moved", False, "301 redirect to /login: use the final path"),
        ("/healthz", False, "404: /healthz not found"),
        ("/busy", False, "503: no database"),
    ],
)
def test_messages_of_probes(port: int, path: str, ok: bool, words: str) -> None:
    seen = probe("127.0.0.1", port, path, 2.0)
    assert (seen.ok, seen.detail, seen.headers["x-shipway-release"]) == (ok, words, "7")


def test_what_can_not_be_sent_is_not_ok(port: int) -> None:
    assert not probe("127.0.0.1", port, "/santé", 2.0).ok
    assert not probe("127.0.0.1", port, "/ok", 2.0, {"X-Name": "Łódź"}).ok


def test_nothing_listens() -> None:
    assert "connection refused" in probe("127.0.0.1", 1, "/", 1.0).detail
    assert not probe_tcp("127.0.0.1", 1, 1.0).ok
