"""Calls of the engine, each on a connection of its own that may become a plain stream of bytes, in one direction or both.

HTTP/1.0 for a stream from the engine: its body comes without chunks, so it is read in large pieces, while by HTTP/1.1 the
engine sends each line of a log as a chunk of its own. Where both sides send, the engine hands over the connection. The
standard library's client isn't used: its import takes longer than most calls.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator

SIZE = 1 << 17  # bytes of one read
HEAD = 1 << 16  # maximum bytes of a head
PATIENCE = 60.0  # seconds until the engine answers
EMPTY = (204, 304)  # statuses without a body
ANSWER, STREAM, BOTH_WAYS = "answer", "stream", "both ways"
# Version of HTTP, and headers, by who sends after the head. Only 1.1 shows whether an answer is complete.
KINDS = {
    ANSWER: ("1.1", "Connection: close"),
    STREAM: ("1.0",),
    BOTH_WAYS: ("1.1", "Connection: Upgrade", "Upgrade: tcp"),
}


class RawStream:
    """An open connection whose head was read. Reading and writing raise OSError."""

    def __init__(self, connection: socket.socket, head: str, rest: bytes) -> None:
        status = re.match(r"HTTP/1\.[01] (\d{3})", head)
        if status is None:
            raise ConnectionResetError("the engine does not speak HTTP")
        self.status = int(status[1])
        self._connection, self._head, self._rest = connection, head, rest

    def header(self, name: str) -> str | None:
        """Of the answer."""
        found = re.search(rf"^{re.escape(name)}:[ \t]*(.*?)[ \t]*\r?$", self._head, re.M | re.I)
        return found[1] if found else None

    def chunks(self) -> Iterator[bytes]:
        """All bytes as they arrive."""
        if self._rest:
            yield self._rest
        while chunk := self._connection.recv(SIZE):
            yield chunk

    def content(self) -> bytes:
        """The body of an answer that ends: of a call without a stream. ConnectionResetError if it ends early."""
        if self.status in EMPTY:
            return b""
        if (self.header("Transfer-Encoding") or "").lower() == "chunked":
            return b"".join(self._unchunked())
        length = self.header("Content-Length")
        if length is None:
            return b"".join(self.chunks())
        body = self._rest
        while len(body) < int(length):
            body += self._more()
        return body

    def _unchunked(self) -> Iterator[bytes]:
        """The content of an HTTP/1.1 body whose length wasn't known before."""
        received, size = self._rest, None
        while size != 0:
            while (end := received.find(b"\r\n")) < 0:
                received += self._more()
            if (found := re.match(rb"[0-9a-fA-F]+", received[:end])) is None:
                raise ConnectionResetError("the engine does not speak HTTP")
            size = int(found[0], 16)
            begin, end = end + 2, end + 2 + size
            while len(received) < end + 2:
                received += self._more()
            yield received[begin:end]
            received = received[end + 2 :]

    def _more(self) -> bytes:
        chunk = self._connection.recv(SIZE)
        if not chunk:
            raise ConnectionResetError("the engine closed the connection in the middle of an answer")
        return chunk

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self._connection.sendall(data)

    def limit(self, seconds: float | None) -> None:
        """From now on, TimeoutError where the other side is silent for longer; None: never."""
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


def call(
    connection: socket.socket,
    method: str,
    target: str,
    body: bytes | None,
    *,
    kind: str,
    timeout: float = PATIENCE,
) -> RawStream:
    """Send a request and read the head of its answer. timeout: seconds that the engine may be silent, until its answer.
    kind: see KINDS."""
    version, *headers = KINDS[kind]
    head = [f"{method} {target} HTTP/{version}", "Host: localhost", *headers]
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body is not None else []
    connection.settimeout(timeout)
    connection.sendall("\r\n".join([*head, "", ""]).encode("ascii") + (body or b""))
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        chunk = connection.recv(SIZE)
        if not chunk or len(received) > HEAD:
            raise ConnectionResetError("the engine closed the connection before it answered")
        received += chunk
    return RawStream(connection, received[:end].decode("latin-1"), received[end + 4 :])
