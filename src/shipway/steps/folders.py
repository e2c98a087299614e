"""Folders of an image that a step must be able to write to although its image runs as another user."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Sequence

from shipway.ports import Runtime
from shipway.system.tars import reading_stream


def give_folders(runtime: Runtime, container: str, workdir: str, paths: Sequence[str], owner: tuple[int, int]) -> None:
    """Make uid and gid the owner of the working folder, and of the folders of these paths below it. Contents are
    unchanged."""
    for folder in _folders(workdir, paths):
        found = _entry(runtime, container, folder)
        if found is None or not found.isdir():
            continue
        entry = tarfile.TarInfo(posixpath.basename(folder))
        entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, found.mode, found.mtime
        entry.uid, entry.gid = owner
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(entry)
        runtime.put(container, posixpath.dirname(folder), iter([buffer.getvalue()]))


def _folders(workdir: str, paths: Sequence[str]) -> list[str]:
    below = [posixpath.normpath(posixpath.join(workdir, path)) for path in paths]
    above = {parent for path in below for parent in _parents(path) if parent.startswith(workdir.rstrip("/") + "/")}
    return [folder for folder in (workdir, *sorted(above | set(below))) if folder != "/"]


def _parents(path: str) -> list[str]:
    parent = posixpath.dirname(path)
    return [] if parent in ("", "/") else [parent, *_parents(parent)]


def _entry(runtime: Runtime, container: str, path: str) -> tarfile.TarInfo | None:
    """The archive's first entry, which is the folder itself; the rest isn't read."""
    try:
        chunks = runtime.get(container, path)
    except FileNotFoundError:
        return None
    try:
        with reading_stream(chunks) as tar:
            return tar.next()
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
