"""What a compose file says and a plan can't, or says elsewhere: told to the reader, never left out in silence."""

from __future__ import annotations

from typing import Any

# Keys that a draft takes over, and those that mean nothing where Shipway runs the containers.
_TAKEN = {
    "image", "build", "command", "entrypoint", "environment", "env_file", "ports", "expose", "volumes", "healthcheck", "container_name",
    "restart", "depends_on", "networks", "hostname", "stdin_open", "tty", "pull_policy", "platform", "logging", "init", "links", "version",
}  # fmt: skip
_ELSEWHERE = {
    "stop_grace_period": "how long it may take to end", "mem_limit": "`resources: {memory: …}`", "cpus": "`resources: {cpus: …}`",
    "profiles": "it was started only on demand; in a plan every service runs", "labels": "a proxy's rules become `route:` and the environments' `url:`",
    "network_mode": "services share a network of their own", "privileged": "containers have no more rights than others",
    "extends": "the other file was not read", "secrets": "as `secrets:`", "configs": "files of the image", "user": "by USER in its Dockerfile",
    "working_dir": "by WORKDIR in its Dockerfile", "scale": "`replicas:`",
}  # fmt: skip


def unsaid(raw: dict[str, Any]) -> list[str]:
    """What is left to the reader, of one service's keys."""
    todo = [f"{key}: {_ELSEWHERE.get(key, 'a plan has no such key')}" for key in raw if key not in _TAKEN and key != "deploy" and not key.startswith("x-")]
    deploy = raw.get("deploy")
    for key, value in deploy.items() if isinstance(deploy, dict) else ():
        words = {"replicas": f"`replicas: {value}`", "resources": "`resources: {cpus: …, memory: …}`"}
        todo.append(f"deploy.{key}: {words.get(key, 'a plan has no such key')}")
    return todo
