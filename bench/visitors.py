"""A process that visits a site at an address of this machine and records the result of each request.

    python bench/visitors.py KIND HOST ADDRESS PORT RATE SECONDS FILE

It prints "begun" when it has started. The rate is independent of the answers: a slow one delays no other request. It ends
on SIGTERM or after SECONDS, waits for requests in progress, and writes a JSON list of [begun, seconds, version, failure] to
FILE; `begun` is a time of the machine's monotonic clock, `failure` is empty after a complete and correct answer. Requests
are never retried.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

Sample = tuple[float, float, str, str]
Where = tuple[str, int]  # address and port
TICK = 0.002
PATIENCE = 30.0  # seconds after which an answer counts as lost, and not as late on a busy machine
MOST = 300  # connections at a time
WEBSOCKET_LIFE, ECHO_EVERY = 6.0, 0.25
GOING_AWAY = (1001).to_bytes(2, "big") + b"draining"  # sent by the application, never by a proxy, when it exits


class Visit(asyncio.Protocol):
    """A connection to the site, for one request at a time, or for a single request."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.begun = 0.0
        self.buffer = b""
        self.open = self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.open = transport, True

    def ask(self, begun: float) -> None:
        self.begun, self.buffer, self.waiting = begun, b"", True
        self.transport.write(self.visitor.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not (end and self.waiting):
            return
        length = _length(head)
        if len(body) < length:
            return
        status = int(head[9:12])
        correct = 200 <= status < 300 and body.startswith(b"version ") and body.endswith(b".\n")
        version = body[8:40].split(b"\n", 1)[0].decode("utf-8", "replace") if correct else ""
        self.end(version, "" if correct else f"status {status}")
        if self.visitor.keep and b"connection: close" not in head.lower():
            self.visitor.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self.waiting:
            self.end("", f"closed before the {'end of the ' if self.buffer else ''}answer")
        if self in self.visitor.idle:
            self.visitor.idle.remove(self)
        self.visitor.connections.discard(self)

    def end(self, version: str, failure: str) -> None:
        self.waiting = False
        self.visitor.samples.append((self.begun, time.monotonic() - self.begun, version, failure))


class Visitor:
    """Short requests at a fixed rate, on kept or on new connections."""

    def __init__(self, host: str, where: Where, *, keep: bool) -> None:
        self.where, self.keep = where, keep
        close = "" if keep else "Connection: close\r\n"
        self.request = f"GET / HTTP/1.1\r\nHost: {host}\r\n{close}\r\n".encode()
        self.samples: list[Sample] = []
        self.idle: list[Visit] = []
        self.connections: set[Visit] = set()

    async def visit(self, rate: float, over: asyncio.Event) -> None:
        started, sent = time.monotonic(), 0
        while not over.is_set():
            due = int((time.monotonic() - started) * rate)
            while sent < due and len(self.connections) - len(self.idle) < MOST:
                sent += 1
                if self.idle:
                    self.idle.pop().ask(time.monotonic())
                else:
                    visit = Visit(self)
                    self.connections.add(visit)
                    asyncio.get_running_loop().create_task(self._connect(visit))
            self._give_up(PATIENCE)
            await asyncio.sleep(TICK)
        while any(visit.waiting or not visit.begun for visit in self.connections) and not self._give_up(PATIENCE):
            await asyncio.sleep(TICK)

    async def _connect(self, visit: Visit) -> None:
        visit.begun, begun = 0.0, time.monotonic()
        try:
            await asyncio.get_running_loop().create_connection(lambda: visit, *self.where)
        except OSError as error:
            self.connections.discard(visit)
            self.samples.append((begun, time.monotonic() - begun, "", f"not connected: {error.strerror}"))
            return
        visit.ask(begun)

    def _give_up(self, patience: float) -> bool:
        """Give up on overdue answers; returns whether there was one."""
        late = [visit for visit in self.connections if visit.waiting and time.monotonic() - visit.begun > patience]
        for visit in late:
            visit.end("", f"no answer within {patience:g} s")
            visit.transport.abort()
        return bool(late)


async def slow(host: str, where: Where, number: int) -> Sample:
    """A response that takes 3 s, sent at the end or in pieces."""
    path = ("/slow", "/stream")[number % 2]
    begun, version, failure = time.monotonic(), "", ""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*where)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            whole = await reader.read(-1)
            writer.close()
        head, _, body = whole.partition(b"\r\n\r\n")
        ended = body.endswith(b"0\r\n\r\n") if b"chunked" in head.lower() else len(body) == _length(head) > 0
        version = body.partition(b"version ")[2].partition(b"\n")[0].decode("utf-8", "replace")
        failure = (
            "" if head[9:12] == b"200" and ended else f"{path} broken: {bytes(head[:12]).decode('latin-1') or 'closed'}"
        )
    except (OSError, TimeoutError) as error:
        failure = f"{path} broken: {str(error) or type(error).__name__}"
    return begun, time.monotonic() - begun, version, failure


async def websocket(host: str, where: Where, number: int) -> Sample:
    """Open for 6 s with an echo every 250 ms. Only the application may close it earlier."""
    begun, version, failure = time.monotonic(), "", ""
    try:
        async with asyncio.timeout(WEBSOCKET_LIFE + PATIENCE):
            reader, writer = await asyncio.open_connection(*where)
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write(
                f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            failure = "" if b" 101 " in head else f"websocket refused: {head[9:12].decode()}"
            while not failure and time.monotonic() - begun < WEBSOCKET_LIFE:
                message = f"{number} {time.monotonic()}".encode()
                writer.write(_frame(1, message))
                kind, body = await _read_frame(reader)
                if kind == 8:
                    failure = "" if body == GOING_AWAY else f"websocket closed: {body!r}"
                    version = "told to go" if not failure else ""
                    break
                if body != message:
                    failure = f"websocket answered {body!r}"
                await asyncio.sleep(ECHO_EVERY)
            writer.write(_frame(8, GOING_AWAY[:2]))
            writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        failure = f"websocket broken: {type(error).__name__}"
    return begun, time.monotonic() - begun, version, failure


async def regularly(one: Callable[[int], Awaitable[Sample]], rate: float, over: asyncio.Event) -> list[Sample]:
    """Start one after the other at this rate, and wait for all."""
    under_way: list[asyncio.Future[Sample]] = []
    while not over.is_set():
        under_way.append(asyncio.ensure_future(one(len(under_way))))
        await asyncio.sleep(1 / rate)
    return list(await asyncio.gather(*under_way))


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 1 << 30


def _frame(kind: int, body: bytes) -> bytes:
    return bytes([0x80 | kind, 0x80 | len(body), 0, 0, 0, 0]) + body


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, size = await reader.readexactly(2)
    return first & 15, await reader.readexactly(size & 127)


def first_of_all() -> None:
    """Raise the priority: real visitors have their own machines, and waiting for the processor would count as the site's
    time. Without permission, the priority stays."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


async def main(kind: str, host: str, where: Where, rate: float, seconds: float, file: Path) -> None:
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    loop.call_later(seconds, over.set)
    print("begun", flush=True)
    if kind in ("slow", "websocket"):
        visit = {"slow": slow, "websocket": websocket}[kind]
        samples = await regularly(lambda number: visit(host, where, number), rate, over)
    else:
        visitor = Visitor(host, where, keep=kind == "keep-alive")
        await visitor.visit(rate, over)
        samples = visitor.samples
    file.write_text(json.dumps(samples))


if __name__ == "__main__":
    first_of_all()
    kind, host, address, port, rate, seconds, file = sys.argv[1:]
    asyncio.run(main(kind, host, (address, int(port)), float(rate), float(seconds), Path(file)))
