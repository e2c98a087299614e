"""Free space on an engine's disk: from the file system, or through a container on a remote one."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shipway.domain.container import LABEL_APP, LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.disk import DiskUsage
from shipway.domain.errors import EngineError
from shipway.drivers.shared import SHARED
from shipway.system.unix_socket import connect_unix

if TYPE_CHECKING:
    from shipway.drivers.runtime.engine import Engine
    from shipway.ports import Runtime

LABELS = {LABEL_APP: SHARED, LABEL_ROLE: "job", LABEL_NAME: "free-space"}
TRIES = 4  # images that may lack `df`
LEFT_OVER = 60.0  # seconds after which such a container counts as orphaned
COUNTING = 120.0  # seconds for the engine to measure its disk usage


def free_space(engine: Engine, runtime: Runtime) -> int | None:
    """Free bytes where the engine stores images; None without an image to look through."""
    info = engine.call("GET", "/info")
    folder = Path(info["DockerRootDir"])
    if is_here(engine.address) and folder.is_dir() and not _by_containerd(info):
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize
    return through_a_container(engine, runtime)


def is_here(address: str) -> bool:
    """Whether the socket's listener is the engine itself, and not a tunnel to another machine."""
    parts = urlsplit(address)
    if parts.scheme != "unix":
        return False
    with connect_unix(parts.path, 10) as asking:
        size = struct.calcsize("3i")
        process, _, _ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    try:
        name = Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # another namespace
        return False
    return name == "dockerd" or (process == 1 and name == "systemd")  # which listens for an engine that it starts


def _by_containerd(info: Mapping[str, Any]) -> bool:
    """Such engines store images in containerd's folder, whose path they don't report."""
    return any("containerd" in str(pair) for pair in info.get("DriverStatus") or ())


def through_a_container(engine: Engine, runtime: Runtime) -> int | None:
    """The root of a container is on the engine's file system, so `df` in it shows that."""
    for container in runtime.list(LABELS):
        if time.time() - container.created > LEFT_OVER:
            runtime.remove(container.id)
    for image in candidates(engine)[:TRIES]:
        name = f"shipway-free-space-{uuid.uuid4().hex[:8]}"
        spec = ContainerSpec(name, image, LABELS, command=("-Pk", "/"), entrypoint=("df",), networks={"none": ()})
        lines = output_of(runtime, spec)
        if lines and (found := re.search(r"\s\d+\s+\d+\s+(\d+)\s+\d+%\s+/$", lines[-1])):
            return int(found[1]) * 1024
    return None


def output_of(runtime: Runtime, spec: ContainerSpec) -> list[str] | None:
    """Lines of a container that is removed afterwards; None if its image lacks the program, or it can't be started."""
    try:
        runtime.create(spec)
        runtime.start(spec.name)
        code = runtime.wait(spec.name, 30)
        lines = list(runtime.logs(spec.name))
    except (EngineError, TimeoutError):
        return None
    finally:
        runtime.remove(spec.name)
    return lines if code in (0, 1) else None  # 1: a part is missing, such as a file


def candidates(engine: Engine) -> list[str]:
    """Ids of images: first those of running containers, then small ones, which are more likely to have a shell."""
    images = {item["Id"]: item for item in engine.call("GET", "/images/json")}
    running = [item["ImageID"] for item in engine.call("GET", "/containers/json")]
    named = (
        item for item in images if images[item]["RepoTags"] not in (None, [], ["<none>:<none>"])
    )  # some engines write that
    small = sorted(named, key=lambda item: int(images[item]["Size"]))
    return [item for item in dict.fromkeys([*running, *small]) if item in images]


def disk_usage(engine: Engine) -> DiskUsage:
    """Disk usage like `docker system df`."""
    data = engine.call("GET", "/system/df", timeout=COUNTING)
    return DiskUsage(
        unused_images=sum(_own(item) for item in data.get("Images") or () if item["Containers"] == 0),
        build_cache=sum(
            item["Size"] for item in data.get("BuildCache") or () if not item["InUse"] and not item["Shared"]
        ),
        orphans={item["Name"]: item["UsageData"]["Size"] for item in data.get("Volumes") or () if _is_orphan(item)},
    )


def _own(image: Mapping[str, Any]) -> int:
    return int(image["Size"]) - max(0, int(image["SharedSize"]))


def _is_orphan(volume: Mapping[str, Any]) -> bool:
    """A named volume may hold data of a stopped container, such as a database."""
    usage = volume.get("UsageData") or {}
    return (
        bool(re.fullmatch(r"[0-9a-f]{64}", volume["Name"]))
        and LABEL_APP not in (volume.get("Labels") or {})
        and usage.get("RefCount") == 0
    )
