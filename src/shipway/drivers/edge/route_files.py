"""Names and contents of the files in the edge's volume: a route table and a maintenance page for each owner."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shipway.domain.container import ContainerInfo, Publish
from shipway.domain.errors import EdgeError
from shipway.drivers.edge import dynamic
from shipway.drivers.edge.container import published
from shipway.drivers.edge.program import ROUTES

CERTIFICATE = "_certificate."  # prefix of the plugin's files for a host


def is_certificate(file: str) -> bool:
    return file.startswith(CERTIFICATE)


def tables(files: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """All tables by owner."""
    parsed = {
        name.removesuffix(".yml"): dynamic.parse(text) for name, text in files.items() if not name.startswith("_")
    }
    return {owner: table for owner, table in parsed.items() if table is not None}


def port_of(found: ContainerInfo, where: dynamic.Public) -> Publish | None:
    return next((port for port in published(found.labels) if port.host_port == where.port), None)


def checked_owner(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise EdgeError(f"{name!r} can't own routes: only letters, digits, `_`, `.` and `-` are allowed")
    return name


def route_file(owner: str) -> str:
    return f"{owner}.yml"


def page_file(owner: str) -> str:
    """No owner's name begins with an underscore."""
    return f"_maintenance.{owner}.yml"


def stopped(get: Callable[[str], Iterator[bytes]]) -> dict[str, str]:
    """All files of an edge that doesn't run. get: the archive of a path in its container."""
    try:
        content = b"".join(get(f"{ROUTES}/"))
    except FileNotFoundError:
        return {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        entries = {member.name.rpartition("/")[2]: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read().decode() for name, file in entries.items() if file and name.endswith(".yml")}
