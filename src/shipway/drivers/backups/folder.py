"""Backups in a folder of the machine that runs Shipway, such as a mounted disk.

The folder must exist: Shipway never creates it, since an empty folder may be a disk that isn't mounted.
"""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from shipway.domain.errors import BackupFailed, NotStored, StoreFull, StoreGone
from shipway.domain.size import readable

CHUNK = 1 << 18
STEP = 32 << 20  # bytes that are handed to the disk at a time
PART = ".part-"  # begins the name of an unfinished object
GONE = {errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN}


class FolderStore:
    """Implements ports.BackupStore."""

    def __init__(self, path: str) -> None:
        self._root = Path(path)

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        """Written beside its place, synced, and renamed. Its pages leave the memory, so that it is read back from the disk."""
        target = self._path(name)
        part = target.with_name(f"{PART}{uuid.uuid4().hex}")
        with self._translated():
            self._require()
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    waiting = 0
                    for chunk in chunks:
                        file.write(chunk)
                        waiting += len(chunk)
                        if waiting >= STEP:  # now, so that the sync at the end is short
                            _to_disk(file)
                            waiting = 0
                    file.flush()
                    os.fsync(file.fileno())
                    _to_disk(file)
                part.replace(target)
                _sync_folder(target.parent)
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    def get(self, name: str) -> Iterator[bytes]:
        """In chunks."""
        with self._translated():
            self._require()
            try:
                file = self._path(name).open("rb")
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
                raise NotStored(f"{self._root} has no {name}") from error
        return self._chunks(file)

    def _chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        with self._translated(), file:
            while chunk := file.read(CHUNK):
                yield chunk

    def list(self, folder: str) -> Mapping[str, int]:
        """Without unfinished ones."""
        with self._translated():
            self._require()
            found = [path for path in sorted(self._path(folder).rglob("*")) if path.is_file()]
            return {
                path.relative_to(self._root).as_posix(): path.stat().st_size
                for path in found
                if not path.name.startswith(PART)
            }

    def remove(self, name: str) -> None:
        """With its folder, if that is empty then."""
        with self._translated():
            self._require()
            path = self._path(name)
            path.unlink(missing_ok=True)
            try:
                path.parent.rmdir()
            except OSError:
                pass  # it has others

    def clean_up(self, folder: str, age: float = 0.0) -> None:
        """Unfinished files, and folders without any."""
        with self._translated():
            self._require()
            until = time.time() - age
            empty = [path for path in sorted(self._path(folder).rglob("*"), reverse=True) if path.is_dir()]
            empty = [path for path in empty if path.stat().st_mtime <= until]  # the clean-up changes it
            for path in self._path(folder).rglob(f"{PART}*"):
                if path.stat().st_mtime <= until:
                    path.unlink(missing_ok=True)
            for path in empty:
                if not any(path.iterdir()):
                    path.rmdir()

    def _path(self, name: str) -> Path:
        if name.startswith("/") or ".." in name.split("/"):
            raise BackupFailed(f"{name!r} is no name in a store")
        return self._root / name

    def _require(self) -> None:
        if not self._root.is_dir():
            raise StoreGone(
                f"the folder {self._root} of the backups doesn't exist",
                hint="mount its disk; a new folder is created by whoever operates this machine, never by Shipway",
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            text = f"{self._root}: {error.strerror or error}"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull(f"the store of the backups is full: {text}{self._free()}", hint=HINT_FULL) from error
            if error.errno in GONE:
                raise StoreGone(f"the store of the backups is gone: {text}") from error
            raise BackupFailed(f"the store of the backups failed: {text}") from error

    def _free(self) -> str:
        try:
            stat = os.statvfs(self._root)
        except OSError:
            return ""
        return f"; {readable(stat.f_bavail * stat.f_frsize)} are free"


HINT_FULL = "free space there, or set smaller numbers in `backups.keep`; the earlier backups are unchanged"


def _to_disk(file: IO[bytes]) -> None:
    """Begin to write what isn't on the disk yet, and forget what is."""
    if hasattr(os, "posix_fadvise"):
        file.flush()
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_folder(folder: Path) -> None:
    """Make the rename durable."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
