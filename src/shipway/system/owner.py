"""The numeric user of a container, since archives have no names."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator

ROOT = (0, 0)
LARGEST = 1 << 20  # bytes of /etc/passwd

Get = Callable[[str], Iterator[bytes]]  # tar stream of a path in the container; FileNotFoundError


def owner(user: str, get: Get) -> tuple[int, int]:
    """uid and gid of an image's USER (name, number, or either with a group), from the container's own files."""
    name, _, group = user.partition(":")
    if name in ("", "root", "0") and group in ("", "root", "0"):
        return ROOT
    known = _entries(get, "/etc/passwd") if name else {}
    entry = known.get(name) or next((item for item in known.values() if item[2:3] == [name]), [])
    uid = int(name) if name.isdigit() else _number(entry, 2)
    if group:
        gid = int(group) if group.isdigit() else _number(_entries(get, "/etc/group").get(group, []), 2)
    else:
        gid = _number(entry, 3)
    return uid, gid


def home(user: str, get: Get) -> str:
    """The home folder of an image's USER, from the container's own files; / if it has none, as for the engine."""
    name = user.partition(":")[0]
    known = _entries(get, "/etc/passwd")
    entry = known.get(name) or next((item for item in known.values() if item[2:3] == [name]), [])
    return entry[5] if len(entry) > 5 and entry[5].startswith("/") else "/"


def _entries(get: Get, path: str) -> dict[str, list[str]]:
    data = b""
    try:
        for chunk in get(path):
            data += chunk
            if len(data) > LARGEST:
                break
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                lines = content.read().decode(errors="replace").splitlines() if content else []
                return {line.split(":")[0]: line.split(":") for line in lines if line.count(":") >= 2}
    except (FileNotFoundError, tarfile.TarError):
        pass  # an image from scratch
    return {}


def _number(entry: list[str], index: int) -> int:
    value = entry[index] if len(entry) > index else ""
    return int(value) if value.isdigit() else 0
