"""Keys of a Compose file that a plan doesn't support, or expresses elsewhere: reported, never omitted silently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Keys adopted by a draft, and those without meaning when Shipway runs the containers.
_ADOPTED = {
    "image", "build", "command", "entrypoint", "environment", "env_file", "ports", "expose", "volumes", "healthcheck", "container_name",
    "restart", "depends_on", "networks", "hostname", "stdin_open", "tty", "pull_policy", "platform", "logging", "init", "links", "version",
    "profiles", "labels", "stop_grace_period", "mem_limit", "cpus", "scale", "cap_add", "secrets", "extends", "develop", "attach",
    "annotations", "cap_drop", "read_only", "mem_reservation", "memswap_limit", "cpu_shares", "external_links", "domainname",
}  # fmt: skip
_ADOPTED_DEPLOY = {
    "replicas", "resources", "mode", "restart_policy", "update_config", "rollback_config", "placement", "labels", "endpoint_mode",
}  # fmt: skip
_OF_SERVICES = ("scale", "cap_add", "stop_grace_period", "mem_limit", "cpus")
_ELSEWHERE = {
    "network_mode": "services share a private network", "privileged": "containers have no extra privileges; see `security:`",
    "configs": "add the files to the image", "user": "use USER in its Dockerfile",
    "working_dir": "use WORKDIR in its Dockerfile",
}  # fmt: skip


def unsupported(raw: dict[str, Any], *, accessory: bool = False) -> list[str]:
    """Notes about one service's keys."""
    adopted = _ADOPTED | {"user", "working_dir"} if accessory else _ADOPTED
    todo = [
        f"{key}: {_ELSEWHERE.get(key, 'a plan has no such key')}"
        for key in raw
        if key not in adopted and key != "deploy" and not key.startswith("x-")
    ]
    if raw.get("read_only") in ("true", "yes"):
        todo.append("read_only: a plan has no such key")
    deploy = raw.get("deploy")
    for key, value in deploy.items() if isinstance(deploy, dict) else ():
        if key not in _ADOPTED_DEPLOY:
            todo.append(f"deploy.{key}: a plan has no such key")
        elif key == "mode" and value == "global":
            todo.append("deploy.mode: global: here it has `replicas`")
    return todo


def of_services(raw: dict[str, Any]) -> list[str]:
    """Remarks about keys that a plan has for services, and not for accessories."""
    limits = "resources" in (raw.get("deploy") or {}) if isinstance(raw.get("deploy"), dict) else False
    keys = [*(key for key in _OF_SERVICES if key in raw), *(["deploy.resources"] if limits else [])]
    return [f"not carried over, since accessories have no such keys: {', '.join(sorted(keys))}"] if keys else []


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
