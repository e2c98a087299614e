"""The visitors of the benchmarks see each request that is lost: a measurement of nothing lost means something."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from bench.load import FRESH, KEPT, SLOW, WEBSOCKET, Load

pytestmark = pytest.mark.counterpart

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nversion one\n.\n"
TURNS = {
    "all is well": GOOD,
    "closed before the answer": b"",
    "closed before the end of the answer": GOOD[:-3],
    "status 502": b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "status 0": b"HTTP/1.1 000 Nothing\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
}


class Unreliable(socketserver.ThreadingTCPServer):
    """Answers in turn with each of TURNS, and notes it; closes after all but the good one, and where a visitor asks it to."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Turn)
        self.lock = threading.Lock()
        self.turns: list[str] = []


class Turn(socketserver.BaseRequestHandler):
    server: Unreliable

    def handle(self) -> None:
        what = "all is well"
        while what == "all is well" and (asked := self.request.recv(4096)):
            with self.server.lock:
                what = list(TURNS)[len(self.server.turns) % len(TURNS)]
                self.server.turns.append(what)
            self.request.sendall(TURNS[what])
            if b"Connection: close" in asked:
                return


@pytest.fixture
def server() -> Iterator[Unreliable]:
    with Unreliable() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.mark.parametrize("kind", [KEPT, FRESH, SLOW])
def test_each_request_without_a_whole_and_correct_answer_counts(server: Unreliable, kind: str) -> None:
    with Load("site.localhost", server.server_address[1], {kind: 50.0}) as load:
        time.sleep(1.5)
    assert len(load.samples[kind]) == len(server.turns) > 20
    assert load.lost(kind) == sum(what != "all is well" for what in server.turns)
    assert {item.version for item in load.samples[kind] if not item.failure} == {"one"}
    if kind != SLOW:  # whose failures begin with the path that was asked for
        assert {item.failure for item in load.samples[kind]} == {"", *TURNS} - {"all is well"}


def test_nobody_there_counts(server: Unreliable) -> None:
    port = server.server_address[1]
    server.server_close()
    with Load("site.localhost", port, {KEPT: 20.0, FRESH: 20.0, SLOW: 5.0, WEBSOCKET: 5.0}) as load:
        time.sleep(1)
    for kind, samples in load.samples.items():
        assert load.lost(kind) == len(samples) > 0


def test_websockets_that_break_count(server: Unreliable) -> None:
    with Load("site.localhost", server.server_address[1], {WEBSOCKET: 10.0}) as load:
        time.sleep(1)
    assert load.lost(WEBSOCKET) == len(load.samples[WEBSOCKET]) > 0
