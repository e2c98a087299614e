"""What a Compose service mounts: data to keep, source that is in the image, and files of the machine."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path

from shipway.domain.config_file import LARGEST
from shipway.drafting.draft import plan_name
from shipway.drafting.files import inside

_DATA = re.compile(
    r"(^|/)\.?(data|storage|uploads?|media|files|db|database|backups?|logs?|static|public|cache|[\w-]*[-_]data)(/|$)"
)
_SHIPPED = re.compile(r"(^|/)(static|public|assets|templates)/?$")
_REBUILT = re.compile(
    r"(^|/)(node_modules|\.venv|venv|vendor|target|dist|build|\.next|\.nuxt|\.cache|__pycache__|\.gradle|\.m2)(/|$)"
)
_SECRET = re.compile(r"(^|/)\.env|secret|passw|credential|private|\.(pem|key|p12|pfx|jks|crt)$", re.IGNORECASE)
_SYSTEM_ONLY = ("/proc", "/sys", "/dev", "/run/secrets")
FEW = 10  # files of a folder that are laid into a container one by one
_SYSTEM = ("/etc/", "/sys", "/proc", "/dev", "/run", "/var/run", "/lib", "/usr")
_CLOCK = ("/etc/localtime", "/etc/timezone")


@dataclass
class Mounts:
    """volumes: path by name. source: mounted folders that are in the image already."""

    volumes: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # path in the container: file of the repository
    source: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)


def read(root: Path, mounts: list[dict[str, str]], folder: str | None, *, used: bool = False) -> Mounts:
    """Sort a service's mounts. folder: of its build. used: it is a service whose image is used unchanged."""
    found = Mounts()
    for mount in mounts:
        source, target = mount["source"], posixpath.normpath(mount["target"]) if mount["target"] else ""
        if not target.startswith("/") or ":" in target:
            found.todo.append(f"the volume {source or target}: its path in the container is not known")
        elif mount["type"] == "tmpfs":
            found.todo.append(f"{target} was a tmpfs: a plan has no such key")
        elif mount["type"] == "anonymous":
            if not _REBUILT.search(target):
                found.notes.append(f"{target} was an anonymous volume, whose content no later container has")
        elif mount["type"] == "volume":
            _keep(found, source, target)
        elif mount["type"] == "bind" and used and (laid := _files(root, source, target)):
            found.files |= laid
        elif mount["type"] == "bind":
            _bind(found, root, source, target, folder)
        else:
            found.todo.append(f"{target} was a mount of type {mount['type']}: a plan has no such key")
    return found


def _files(root: Path, source: str, target: str) -> dict[str, str]:
    """A mounted configuration file, or those of a folder of a few, for `files`; empty if it is something else."""
    here = inside(root, source) if source.startswith("./") and ".." not in source.split("/") else None
    path = posixpath.normpath(source)
    if here is None or _SECRET.search(path) or target.startswith(_SYSTEM_ONLY):
        return {}
    if here.is_file():
        return {target: path} if _small(root / path) else {}
    if not here.is_dir() or _DATA.search(source):
        return {}
    names = sorted(item.name for item in here.iterdir())
    plain = all(_small(root / path / name) and not _SECRET.search(name) for name in names)
    return {f"{target}/{name}": f"{path}/{name}" for name in names} if plain and 0 < len(names) <= FEW else {}


def _small(path: Path) -> bool:
    """Whether it is a file, and no link to one, of a size that a release can hold."""
    return not path.is_symlink() and path.is_file() and path.stat().st_size <= LARGEST // FEW


def _bind(found: Mounts, root: Path, source: str, target: str, folder: str | None) -> None:
    here = inside(root, source) if source.startswith(".") and not source.startswith("..") else None
    if source in _CLOCK:
        found.notes.append(f"{source} of the machine was mounted: set TZ for another time zone than UTC")
    elif source.endswith("/docker.sock"):
        found.todo.append(f"{target} was mounted from {source}, but containers can't access the Docker Engine")
    elif folder is not None and here is not None and _has(source, folder):
        found.source.append(f"{target} was mounted from {source}: its source is in the image")
    elif (
        folder is not None
        and here is not None
        and _SHIPPED.search(source)
        and _within(source, folder)
        and _filled(here)
    ):
        found.source.append(f"{target} was mounted from {source}: its files are in the image")
    elif here is not None and here.exists() and not (here.is_dir() and _DATA.search(source)):
        found.todo.append(f"{target} was mounted from {source}: put it into the image")
    elif (
        posixpath.splitext(source.rstrip("/"))[1] or source.startswith(_SYSTEM) or (here is None and source[:1] in ".$")
    ):
        found.todo.append(
            f"{target} was mounted from {source}, but a plan mounts no folders of the machine: put it into the image"
        )
    else:
        _keep(found, source.rstrip("/").rpartition("/")[2].lstrip(".~") or "data", target)
        found.notes.append(f"{target} was mounted from {source}: its content isn't copied")


def _within(source: str, folder: str) -> bool:
    return folder == "." or posixpath.normpath(source).startswith(f"{folder}/")


def _filled(path: Path) -> bool:
    """Whether a folder of the repository has files in it, and not only a mark that keeps it."""
    return path.is_dir() and any(not item.name.startswith(".") for item in path.iterdir())


def _has(source: str, folder: str) -> bool:
    path = posixpath.normpath(source)
    return (
        path == "."
        or path == folder
        or f"{folder}/".startswith(f"{path}/")
        or (path.startswith(f"{folder}/") and _code(path))
    )


def _code(path: str) -> bool:
    return bool(re.search(r"(^|/)(src|app|lib|server|client|backend|frontend|api)$", path))


def _keep(found: Mounts, source: str, target: str) -> None:
    name = plan_name(source, "data")
    while name in found.volumes:
        name = plan_name(f"{name}-{target.rpartition('/')[2]}" if not name.endswith("-2") else f"{name}2", "data")
        if name in found.volumes:
            name = f"{name[:38]}-2"
    found.volumes[name] = target
