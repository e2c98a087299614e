"""Parse the engine's streams: framed output of containers, progress as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from shipway.domain.errors import EngineError

LARGEST = 64 << 20  # bytes of a command's output
LONGEST_LINE = 1 << 20  # bytes; longer lines are split, so that memory stays bounded


def frames(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Split the engine's multiplexed output: (1 for stdout or 2 for stderr, bytes)."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= 8:
            end = 8 + int.from_bytes(buffer[4:8], "big")
            if len(buffer) < end:
                break
            yield buffer[0], bytes(buffer[8:end])
            del buffer[:end]


def lines(parts: Iterable[tuple[int, bytes]]) -> Iterator[str]:
    """Complete lines of both streams, without their line ends."""
    begun: dict[int, bytearray] = {}
    for stream, data in parts:
        rest = begun.setdefault(stream, bytearray())
        first, *more = data.split(b"\n")
        rest += first
        for piece in more:
            yield _text(rest)
            rest[:] = piece
        if len(rest) > LONGEST_LINE:
            yield _text(rest)
            rest.clear()
    for rest in begun.values():
        if rest:
            yield _text(rest)


def bounded(parts: Iterable[bytes], command: str) -> bytes:
    """All bytes. EngineError if they exceed the limit."""
    output = bytearray()
    for data in parts:
        output += data
        if len(output) > LARGEST:
            raise EngineError(f"the output of `{command}` in a container is larger than {LARGEST >> 20} MB")
    return bytes(output)


def records(chunks: Iterable[bytes]) -> Iterator[Mapping[str, object]]:
    """Objects of a stream of JSON lines."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield json.loads(line)
    if rest.strip():
        yield json.loads(rest)


class Seen:
    """Tracks which messages of a log were read, to resume reading.

    A message has no number, but a timestamp, such as 2024-01-31T10:00:00.123456789Z. Timestamps increase within a
    stream, but not across the two; parts of a long line share one.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[bytes, int]] = {}  # stream: newest timestamp, number of messages that have it

    def __bool__(self) -> bool:
        return bool(self._last)

    def add(self, stream: int, stamp: bytes) -> None:
        """Record a message as read."""
        last, count = self._last.get(stream, (b"", 0))
        self._last[stream] = (stamp, count + 1 if stamp == last else 1)

    def since(self) -> str:
        """Start time to resume from, in the engine's format: seconds since the epoch."""
        oldest = min(stamp for stamp, _ in self._last.values())
        return str(int(datetime.fromisoformat(oldest[:19].decode() + "+00:00").timestamp()) - 1)

    def take(self, stream: int, stamp: bytes) -> bool:
        """Whether a message was read before. Call it once per message, in order."""
        last, count = self._last.get(stream, (b"", 0))
        if stamp == last and count:
            self._last[stream] = (last, count - 1)
            return True
        return stamp < last


def _text(line: bytes | bytearray) -> str:
    """The visible rest of a line that was overwritten by carriage returns."""
    return line.decode("utf-8", errors="replace").rstrip("\r").rpartition("\r")[2]
