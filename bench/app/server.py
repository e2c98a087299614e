"""The measured application: short and slow responses, streams and websockets, and a graceful shutdown.

Its version is the content of the file `version` beside it, or $VERSION. On SIGTERM it behaves like common servers:
it accepts no new connections, closes idle ones, closes websockets (1001), finishes open requests, and exits.
"""

import asyncio
import base64
import hashlib
import os
import signal
from pathlib import Path

PORT = 8000
SLOW = 3.0  # seconds
PIECES = 10
GRACE = 8.0  # seconds that open requests may take after SIGTERM
GOING_AWAY = (1001).to_bytes(2, "big") + b"draining"
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_file = Path(__file__).with_name("version")
VERSION = os.environ.get("VERSION") or (_file.read_text().strip() if _file.exists() else "unknown")


def answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    """A complete response."""
    return b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


ROOT = answer(f"version {VERSION}\n".encode().ljust(1000, b".") + b"\n")
HEALTHY = answer(b"ok\n")
UNKNOWN = answer(b"there is nothing here\n", b"404 Not Found")


class Connection(asyncio.Protocol):
    """One request after another; no pipelining."""

    everyone: set["Connection"] = set()
    ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport, self.seen, self.task = transport, b"", None
        self.websocket = self.last = False
        self.everyone.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.everyone.discard(self)
        if self.task:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.seen += data
        if self.websocket:
            return self.frames()
        head, end, rest = self.seen.partition(b"\r\n\r\n")
        if not end:
            return
        self.seen, self.last = rest, b"connection: close" in head.lower()
        path = head.split(b" ", 2)[1]
        if path == b"/":
            self.done(ROOT)
        elif path == b"/healthz":
            self.done(HEALTHY)
        elif path == b"/slow":
            self.task = asyncio.create_task(self.slow())
        elif path == b"/stream":
            self.task = asyncio.create_task(self.stream())
        elif path == b"/headers":
            self.done(answer(head + b"\r\n"))
        elif path == b"/ws":
            self.upgrade(head)
        else:
            self.done(UNKNOWN)

    def done(self, whole: bytes) -> None:
        last = self.last or self.ending
        self.transport.write(whole.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) if last else whole)
        self.task = None
        if last:
            self.transport.close()

    async def slow(self) -> None:
        """Send the response at the end."""
        await asyncio.sleep(SLOW)
        self.done(ROOT)

    async def stream(self) -> None:
        """Send the response in pieces."""
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(PIECES):
            piece = f"version {VERSION}\n".encode()
            self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asyncio.sleep(SLOW / PIECES)
        self.transport.write(b"0\r\n\r\n")
        self.task = None
        if self.last or self.ending:
            self.transport.close()

    def upgrade(self, head: bytes) -> None:
        headers = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        key = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + WEBSOCKET).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n"
        )
        self.websocket = True

    def frames(self) -> None:
        """Echo short text frames; a close frame is answered by one."""
        while len(self.seen) >= 6 and len(self.seen) >= 6 + (self.seen[1] & 127):
            kind, size = self.seen[0] & 15, self.seen[1] & 127
            mask, body = self.seen[2:6], self.seen[6 : 6 + size]
            plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
            self.seen = self.seen[6 + size :]
            if kind == 8:
                self.transport.write(bytes([0x88, len(plain)]) + plain)
                return self.transport.close()
            self.transport.write(bytes([0x80 | kind, len(plain)]) + plain)

    def end(self) -> None:
        """On SIGTERM, close idle connections now, and the others when they are done."""
        if self.websocket:
            self.transport.write(bytes([0x88, len(GOING_AWAY)]) + GOING_AWAY)
        elif self.task is None and not self.seen:
            self.transport.close()


async def main() -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(Connection, "0.0.0.0", PORT, backlog=1024)
    await over.wait()
    Connection.ending = True
    server.close()
    for connection in list(Connection.everyone):
        connection.end()
    deadline = loop.time() + GRACE
    while Connection.everyone and loop.time() < deadline:
        await asyncio.sleep(0.02)


asyncio.run(main())
