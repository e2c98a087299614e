"""Streams of bytes: counted and digested as they pass, and pushed by a writer in its own thread."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import cast

CHUNK = 1 << 18  # bytes
AHEAD = 16  # chunks that a writer may be ahead of the reader


class Tally:
    """Chunks as they pass. `size` (bytes) and `digest` (sha256) are complete once it was read to its end."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._hash, self.size, self.ended = chunks, hashlib.sha256(), 0, False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk
        self.ended = True

    @property
    def digest(self) -> str:
        """Of what passed so far."""
        return self._hash.hexdigest()

    def drain(self) -> None:
        """Read the rest."""
        for _ in self:
            pass


class Reader:
    """Chunks as a file that can only be read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._chunk, self._at, self.error = chunks, b"", 0, cast(BaseException | None, None)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; all of them if it is negative."""
        if size < 0:
            found, self._chunk = self._chunk[self._at :] + b"".join(self._chunks), b""
            return found
        while self._at >= len(self._chunk):
            try:
                self._chunk, self._at = next(self._chunks), 0
            except StopIteration:
                return b""
            except BaseException as error:
                self.error = error  # the library in between may replace it
                raise
        found = self._chunk[self._at : self._at + size]  # never the rest: it would be copied for each small read
        self._at += len(found)
        return found


class _Stopped(Exception):
    """The reader wants no more."""


class _Writer:
    """A file whose content a queue gets in chunks."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put, self._parts, self._size = put, list[bytes](), 0

    def write(self, data: bytes) -> int:
        """Keep it until there is a chunk."""
        self._parts.append(bytes(data))
        self._size += len(data)
        if self._size >= CHUNK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Send the rest."""
        if self._parts:
            self._put(b"".join(self._parts))
            self._parts, self._size = [], 0


def pushed(work: Callable[[_Writer], None]) -> Iterator[bytes]:
    """What `work` writes into the file that it gets, as chunks. It runs in its own thread, at most some chunks ahead; its
    error is raised here."""
    chunks: queue.Queue[bytes | None] = queue.Queue(AHEAD)
    over, failed = threading.Event(), list[BaseException]()

    def put(chunk: bytes | None) -> None:
        while not over.is_set():
            try:
                return chunks.put(chunk, timeout=0.5)
            except queue.Full:
                continue
        raise _Stopped

    def run() -> None:
        try:
            writer = _Writer(put)
            work(writer)
            writer.flush()
        except BaseException as error:
            failed.append(error)
        try:
            put(None)
        except _Stopped:
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (chunk := chunks.get()) is not None:
            yield chunk
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]
