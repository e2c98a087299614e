"""What the engine streams: output of containers in frames, progress as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

LONGEST_LINE = 1 << 20  # bytes; what is longer is passed on in pieces, so that memory stays bounded


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
    """Whole lines of both streams as they are completed, without their line ends."""
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


def seconds(stamp: bytes) -> str:
    """The engine's time stamp, such as 2024-01-31T10:00:00.123456789Z, as it takes it back: seconds since the epoch."""
    text = stamp.decode()
    whole = int(datetime.fromisoformat(text[:19] + "+00:00").timestamp())
    return f"{whole}.{text[20:29]}"


def _text(line: bytes | bytearray) -> str:
    """Of a line that was overwritten by carriage returns, what stays on the screen."""
    return line.decode("utf-8", errors="replace").rstrip("\r").rpartition("\r")[2]
