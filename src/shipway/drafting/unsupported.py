"""Keys of a compose file that a plan doesn't support, or expresses elsewhere: reported, never omitted silently."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

# Keys adopted by a draft, and those without meaning when Shipway runs the containers.
_ADOPTED = {
    "image", "build", "command", "entrypoint", "environment", "env_file", "ports", "expose", "volumes", "healthcheck", "container_name",
    "restart", "depends_on", "networks", "hostname", "stdin_open", "tty", "pull_policy", "platform", "logging", "init", "links", "version",
}  # fmt: skip
_ELSEWHERE = {
    "stop_grace_period": "`stop:`, how long it may take to end", "mem_limit": "`resources: {memory: …}`", "cpus": "`resources: {cpus: …}`",
    "profiles": "it was started on demand; in a plan every service runs", "labels": "a proxy's rules become `route:` and the environments' `url:`",
    "network_mode": "services share a private network", "privileged": "containers have no extra privileges; see `security:`",
    "extends": "the other file was ignored", "secrets": "as `secrets:`", "configs": "add the files to the image", "user": "use USER in its Dockerfile",
    "working_dir": "use WORKDIR in its Dockerfile", "scale": "`replicas:`",
}  # fmt: skip


def unsupported(raw: dict[str, Any]) -> list[str]:
    """Notes about one service's keys."""
    todo = [
        f"{key}: {_ELSEWHERE.get(key, 'a plan has no such key')}"
        for key in raw
        if key not in _ADOPTED and key != "deploy" and not key.startswith("x-")
    ]
    deploy = raw.get("deploy")
    for key, value in deploy.items() if isinstance(deploy, dict) else ():
        words = {"replicas": f"`replicas: {value}`", "resources": "`resources: {cpus: …, memory: …}`"}
        todo.append(f"deploy.{key}: {words.get(key, 'a plan has no such key')}")
    return todo


def unsupported_in_build(raw: dict[str, Any]) -> list[str]:
    """Notes about the keys of a `build`, except those that only speed it up or name its result."""
    known = {
        "context",
        "dockerfile",
        "target",
        "args",
        "cache_from",
        "cache_to",
        "labels",
        "no_cache",
        "platforms",
        "pull",
        "tags",
    }
    words = {"dockerfile_inline": "write it into a Dockerfile"}
    return [
        f"build.{key}: {words.get(key, 'a plan has no such key')}"
        for key in raw
        if key not in known and not key.startswith("x-")
    ]


def other_ports(found: Sequence[int], own: int | None) -> list[str]:
    """Notes about ports other than the plan's."""
    return [f"port {port}: a plan has one per service, here {own}" for port in found if own and port != own]


def mounts(raw: dict[str, Any], folder: str | None = None) -> list[str]:
    """Notes about folders mounted from the machine. folder: of the build; the source itself is in the image."""
    todo = []
    volumes = raw.get("volumes")
    for item in volumes if isinstance(volumes, list) else []:
        parts = [item.get("source"), item.get("target")] if isinstance(item, dict) else str(item).split(":")
        source, target = (str(part or "") for part in [*parts, ""][:2])
        path = posixpath.normpath(source)
        has_source = folder is not None and (path == "." or f"{folder}/".startswith(f"{path}/"))
        if source[:1] not in tuple("./~$") or not target or has_source:
            continue
        where = (
            "containers can't access the Docker Engine" if path.endswith("/docker.sock") else "put it into the image"
        )
        todo.append(f"{target} was mounted from {source}, but a plan mounts no folders of the machine: {where}")
    return todo
