"""Files of an in-memory container, and tar streams of them."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping

Files = dict[str, bytes]  # absolute path: content


def unpack(archive: Iterable[bytes]) -> Files:
    """Regular files of a tar stream, by path inside it."""
    found: Files = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive))) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content:
                found[posixpath.normpath(member.name)] = content.read()
    return found


def pack(files: Mapping[str, bytes]) -> Iterator[bytes]:
    """A tar stream of files by path inside it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return iter([buffer.getvalue()])


def below(files: Mapping[str, bytes], path: str) -> Files:
    """The content of an engine's archive of a path: names begin with the last part of the path. Empty if it is
    missing."""
    path = posixpath.normpath(path)
    above = posixpath.dirname(path)
    inside = [name for name in files if name == path or name.startswith(path.rstrip("/") + "/")]
    return {posixpath.relpath(name, above): files[name] for name in inside}


def is_folder(files: Mapping[str, bytes], path: str) -> bool:
    """Whether any file is below it."""
    return any(name.startswith(path.rstrip("/") + "/") for name in files)
