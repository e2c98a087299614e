"""Read a container's log in large pieces: a message of the engine is a frame with the time and text of one line.

The speed depends on the work for each line, so complete lines are decoded and split many at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from shipway.domain.log import LogLine, seconds_of
from shipway.drivers.runtime.engine import EngineRefused, segment, translated
from shipway.drivers.runtime.streams import LONGEST_LINE, frames

if TYPE_CHECKING:
    from shipway.drivers.runtime.engine import Engine

STAMP = 30  # characters of a time
NEWLINE = 10
RECENT = 10_000  # last lines of a followed log, of which a later reading is known to repeat some


def read(
    engine: Engine, container: str, *, since: str | None, follow: bool, tail: int | None
) -> Iterator[list[LogLine]]:
    """See `ports.runtime.Runtime.log`."""
    query: dict[str, object] = {"tail": "all" if tail is None else tail}
    if since:
        query["since"] = f"{int(seconds_of(since))}.{since[20:29]}"
    recent: list[LogLine] = []
    for batch in _stream(engine, container, {**query, "follow": int(follow)}):
        found = [line for line in batch if line[0] > since] if since else batch
        if follow:
            recent = [*recent, *found] if len(recent) < 2 * RECENT else [*recent[-RECENT:], *found]
        if found:
            yield found
    if not follow:
        return
    # Engines before 23 end the stream as soon as the container exits, even with output left to read.
    again: dict[str, object] = {"tail": "all", "since": int(seconds_of(recent[0][0])) - 1} if recent else query
    known, first = Counter(recent), recent[0][0] if recent else since or ""
    try:
        for batch in _stream(engine, container, again):
            found = []
            for line in batch:
                if known[line]:
                    known[line] -= 1
                elif line[0] >= first and not (since and line[0] <= since):
                    found.append(line)
            if found:
                yield found
    except EngineRefused as error:
        if error.status not in (404, 409):  # it was removed meanwhile
            raise


def _stream(engine: Engine, container: str, query: dict[str, object]) -> Iterator[list[LogLine]]:
    path = f"/containers/{segment(container)}/logs"
    with (
        closing(engine.raw("GET", path, query={"stdout": 1, "stderr": 1, "timestamps": 1, **query})) as stream,
        translated(engine.address),
    ):
        yield from batches(stream.chunks())


def batches(chunks: Iterable[bytes]) -> Iterator[list[LogLine]]:
    """The lines of a multiplexed log with times, as they arrive. An unfinished line is the last one."""
    buffer = b""
    begun: dict[int, tuple[str, bytes]] = {}  # unfinished line by stream
    for chunk in chunks:
        buffer = buffer + chunk if buffer else chunk
        messages, at = [], 0
        size, whole = len(buffer), True
        while at + 8 <= size:
            end = at + 8 + int.from_bytes(buffer[at + 4 : at + 8], "big")
            if end > size:
                break
            messages.append(buffer[at + 8 : end])
            whole = whole and buffer[end - 1] == NEWLINE
            at = end
        found = _lines(b"".join(messages)) if whole and not begun else list(_joined(frames([buffer[:at]]), begun))
        buffer = buffer[at:]
        if found:
            yield found
    if rest := [(time, _text(text)) for time, text in begun.values()]:
        yield rest


def _lines(content: bytes) -> list[LogLine]:
    """Of complete messages."""
    text = content.decode("utf-8", errors="replace")
    lines = text.split("\n")
    lines.pop()
    if "\r" in text:
        return [(line[:STAMP], _shown(line[STAMP + 1 :])) for line in lines]
    return [(line[:STAMP], line[STAMP + 1 :]) for line in lines]


def _joined(messages: Iterable[tuple[int, bytes]], begun: dict[int, tuple[str, bytes]]) -> Iterator[LogLine]:
    """Lines whose parts came in several messages: each part has the time of its own."""
    for stream, message in messages:
        time, _, data = message.partition(b" ")
        first, before = begun.pop(stream, (time.decode(), b""))
        line = before + data
        if line.endswith(b"\n"):
            yield first, _text(line[:-1])
        elif len(line) > LONGEST_LINE:
            yield first, _text(line)
        else:
            begun[stream] = (first, line)


def _text(line: bytes) -> str:
    return _shown(line.decode("utf-8", errors="replace"))


def _shown(line: str) -> str:
    """The visible rest of a line that was overwritten by carriage returns."""
    return line.rstrip("\r").rpartition("\r")[2]
