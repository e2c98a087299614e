"""Tar archives with names of any bytes, streamed through files and never held in memory."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from typing import IO, cast

CHUNK = 1 << 16


def reading(file: IO[bytes]) -> tarfile.TarFile:
    """Open a file."""
    return tarfile.open(fileobj=file, encoding="utf-8", errors="surrogateescape")


def reading_stream(chunks: Iterator[bytes], largest: int | None = None) -> tarfile.TarFile:
    """Open a stream, read once and in order. TooLarge if it exceeds `largest` bytes."""
    stream = cast(IO[bytes], _Stream(chunks, largest))
    return tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK, encoding="utf-8", errors="surrogateescape")


def writing(file: IO[bytes]) -> tarfile.TarFile:
    """Write to a file. GNU's format supports names of any bytes and length."""
    return tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape")


def of_files(
    files: Mapping[str, bytes], *, mode: int = 0o644, owner: tuple[int, int] = (0, 0), folders: bool = False
) -> bytes:
    """A small archive for a container's root folder. files: content by path. owner: uid and gid of the files; folders,
    if included, are root's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        above = Folders(tar, (0, 0))
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), mode
            entry.uid, entry.gid = owner
            if folders:
                above.make(posixpath.dirname(entry.name))
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class TooLarge(Exception):
    """An archive exceeds the limit in bytes."""


class _Stream:
    """Chunks as a file."""

    def __init__(self, chunks: Iterator[bytes], largest: int | None) -> None:
        self._chunks, self._chunk, self._at, self._left = chunks, b"", 0, largest

    def read(self, size: int) -> bytes:
        if self._at >= len(self._chunk):
            self._chunk, self._at = next(self._chunks, b""), 0
            if self._left is not None:
                self._left -= len(self._chunk)
                if self._left < 0:
                    raise TooLarge
        data = self._chunk[self._at : self._at + size]
        self._at += len(data)
        return data


class Folders:
    """Entries for folders, each once, before their content: an engine would create missing ones for root only."""

    def __init__(self, target: tarfile.TarFile, owner: tuple[int, int]) -> None:
        self._target, self._owner = target, owner
        self._made = {"", ".", "/"}

    def make(self, folder: str) -> None:
        """Add this folder and its parents."""
        if folder in self._made:
            return
        self._made.add(folder)
        self.make(posixpath.dirname(folder))
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        entry.uid, entry.gid = self._owner
        self._target.addfile(entry)


def folder_owner(chunks: Iterator[bytes]) -> tuple[int, int]:
    """uid and gid of the first entry: of a folder's archive, the folder itself."""
    with reading_stream(chunks) as tar:
        first = tar.next()
    return (first.uid, first.gid) if first else (0, 0)


def folder_of(path: str, owner: tuple[int, int]) -> bytes:
    """An archive for a container's root folder that gives an existing folder another owner."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        entry.uid, entry.gid = owner
        tar.addfile(entry)
    return buffer.getvalue()
