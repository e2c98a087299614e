"""Calls of the engine whose connection becomes a plain stream of bytes, in one direction or both.

HTTP/1.0 where only the engine sends: its body comes without chunks, so it is read in large pieces, while by HTTP/1.1 the
engine sends each line of a log as a chunk of its own. Where both sides send, the engine hands over the connection.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator

SIZE = 1 << 17  # bytes of one read
HEAD = 1 << 16  # maximum bytes of a head
PATIENCE = 60.0  # seconds until the engine answers


class RawStream:
    """An open connection whose head was read. Reading and writing raise OSError."""

    def __init__(self, connection: socket.socket, status: int, rest: bytes, length: int | None) -> None:
        self.status = status
        self._connection, self._rest, self._length = connection, rest, length

    def chunks(self) -> Iterator[bytes]:
        """All bytes as they arrive."""
        if self._rest:
            yield self._rest
        while chunk := self._connection.recv(SIZE):
            yield chunk

    def content(self) -> bytes:
        """The body of an answer that ends: of a call without a stream."""
        found = self._rest
        while self._length is None or len(found) < self._length:
            chunk = self._connection.recv(SIZE)
            if not chunk:
                break
            found += chunk
        return found

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self._connection.sendall(data)

    def limit(self, seconds: float) -> None:
        """From now on, TimeoutError where the other side is silent for longer."""
        self._connection.settimeout(seconds)

    def end_writing(self) -> None:
        """No more is sent. Without effect by TLS, which can't end one direction alone."""
        if not hasattr(self._connection, "unwrap"):
            self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Disconnect; ends `chunks` in another thread. Idempotent."""
        with contextlib.suppress(OSError):  # the other side was first
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def call(connection: socket.socket, method: str, target: str, body: bytes | None, *, upgrade: bool) -> RawStream:
    """Send a request and read the head of its answer, which may take PATIENCE seconds; then reading may take any time."""
    head = [f"{method} {target} HTTP/1.{int(upgrade)}", "Host: localhost"]
    head += ["Connection: Upgrade", "Upgrade: tcp"] if upgrade else []
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body is not None else []
    connection.settimeout(PATIENCE)
    connection.sendall("\r\n".join([*head, "", ""]).encode("ascii") + (body or b""))
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        chunk = connection.recv(SIZE)
        if not chunk or len(received) > HEAD:
            raise ConnectionResetError("the engine closed the connection before it answered")
        received += chunk
    answer = received[:end].decode("latin-1")
    status = re.match(r"HTTP/1\.[01] (\d{3})", answer)
    if status is None:
        raise ConnectionResetError("the engine does not speak HTTP")
    length = re.search(r"^content-length: *(\d+)", answer, re.M | re.I)
    connection.settimeout(None)
    return RawStream(connection, int(status[1]), received[end + 4 :], int(length[1]) if length else None)
