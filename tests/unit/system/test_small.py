"""Probes, redaction, durations."""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from shipway.system.durations import ago, human
from shipway.system.probe import probe, probe_tcp
from shipway.system.redact import Redactor

SECRET = "s3cret/with?signs"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (14.26, "14.3 s"),
        (125, "2 min 5 s"),
        (900, "15 min"),
        (910, "15 min 10 s"),
        (11041, "3 h 4 min"),
        (10800, "3 h"),
    ],
)
def test_human(seconds: float, text: str) -> None:
    assert human(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "just now"), (61, "61 s ago"), (600, "10 min ago"), (7300, "2 h ago"), (200000, "2 days ago")],
)
def test_ago(seconds: float, text: str) -> None:
    assert ago(seconds) == text


@pytest.mark.parametrize(
    "form", [SECRET, quote(SECRET), quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode()]
)
def test_secrets_are_taken_out_in_every_form(form: str) -> None:
    assert Redactor({"KEY": SECRET}).line(f"url=x:{form}@host") == "url=x:«KEY»@host"


def test_a_key_of_several_lines_is_taken_out_line_by_line() -> None:
    redactor = Redactor({"KEY": "first-line\nsecond-line\n"})
    assert [redactor.line(line) for line in ("first-line", "x second-line")] == ["«KEY»", "x «KEY»"]
    assert redactor.line('"first-line\\nsecond-line\\n"') == '"«KEY»"'


def test_a_secret_that_holds_another_is_taken_out_whole() -> None:
    redactor = Redactor({"SHORT": "abcd"})
    redactor.add({"LONG": "abcd-efgh"})
    assert redactor.line("abcd-efgh abcd abc") == "«LONG» «SHORT» abc"


def test_very_short_values_do_not_blank_out_the_log() -> None:
    assert Redactor({"DEBUG": "1"}).line("1 of 10") == "1 of 10"


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
        ("/moved", False, "301 redirect to /login: give the final path"),
        ("/healthz", False, "404: nothing at /healthz"),
        ("/busy", False, "503: no database"),
    ],
)
def test_a_probe_says_what_it_saw(port: int, path: str, ok: bool, words: str) -> None:
    seen = probe("127.0.0.1", port, path, 2.0)
    assert (seen.ok, seen.detail, seen.headers["x-shipway-release"]) == (ok, words, "7")


def test_nothing_listens() -> None:
    assert "connection refused" in probe("127.0.0.1", 1, "/", 1.0).detail
    assert not probe_tcp("127.0.0.1", 1, 1.0).ok
