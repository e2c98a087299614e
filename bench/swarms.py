"""The peers: a Swarm service and docker-compose, with two replicas of the measured application behind a proxy.

Both are configured to be fast and lossless: new tasks first, all in parallel, with a frequent health check; the proxy
resolves the replicas four times a second and retries another one if a connection is refused.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.tools import COMPOSE, docker, unpacked

APPLICATION = Path(__file__).with_name("app")
IMAGE = "bench-peers"
VERSIONS = ("one", "two")
PORT = 8093
HEALTH = "python -S -c \"import socket; socket.create_connection(('127.0.0.1', 8000)).close()\""
NETWORK, SERVICE, PROXY = "bench-swarm", "bench-app", "bench-swarm-proxy"
BRIDGE = "docker_gwbridge"  # left over by `docker swarm leave`


class Unavailable(Exception):
    """Why this peer is not available on this machine."""


class Swarm:
    """`docker service update` and `docker service rollback` on a swarm of this one engine."""

    name = "docker service update"
    back = "docker service rollback"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Swarm:
        if docker("info", "--format", "{{.Swarm.LocalNodeState}}") != "inactive":
            raise Unavailable("the engine is in a swarm already")
        self._bridge = BRIDGE in docker("network", "ls", "--format", "{{.Name}}").split()
        try:
            docker("swarm", "init", "--advertise-addr", "127.0.0.1")
            docker("network", "create", "--driver", "overlay", "--attachable", NETWORK)
            docker(
                "service", "create", "--name", SERVICE, "--replicas", "2", "--endpoint-mode", "dnsrr", "--network", NETWORK,
                "--update-order", "start-first", "--update-parallelism", "0", "--update-monitor", "500ms",
                "--rollback-order", "start-first", "--rollback-parallelism", "0", "--rollback-monitor", "500ms",
                "--health-cmd", HEALTH, "--health-interval", "250ms", "--health-retries", "20",
                "--no-resolve-image", f"{IMAGE}:{VERSIONS[0]}",
            )  # fmt: skip
            write_proxy(self._folder, SERVICE)
            docker("run", "--detach", "--name", PROXY, "--network", NETWORK, "--publish", f"127.0.0.1:{PORT}:8080",
                   "--volume", f"{self._folder}:/routes:ro", "caddy:2", "caddy", "run", "--config", "/routes/caddy.json")  # fmt: skip
        except RuntimeError as error:
            self.__exit__()
            raise Unavailable(str(error)) from error
        return self

    def __exit__(self, *error: object) -> None:
        docker("rm", "--force", "--volumes", PROXY, check=False)
        docker("service", "rm", SERVICE, check=False)
        docker("swarm", "leave", "--force", check=False)
        if not self._bridge:
            docker("network", "rm", BRIDGE, check=False)

    def deploy(self) -> None:
        docker(
            "service", "update", "--detach=false", "--no-resolve-image", "--image", f"{IMAGE}:{VERSIONS[1]}", SERVICE
        )

    def rollback(self) -> None:
        docker("service", "rollback", "--detach=false", SERVICE)


class Compose:
    """`docker-compose up -d`, forward and back."""

    name = "docker-compose up -d"
    back = "docker-compose up -d, back"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Compose:
        root = unpacked("docker-compose", COMPOSE)
        if root is None:
            raise Unavailable("its Debian package is not available")
        packages = [root / "usr/lib/python3/dist-packages", *sorted((root / "usr/lib").glob("python3.*"))]
        self._program = ["/usr/bin/python3", str(root / "usr/bin/docker-compose")]
        self._env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "COMPOSE_PROJECT_NAME": "bench-compose",
        }
        write_proxy(self._folder, "app")
        proxy = {
            "image": "caddy:2",
            "command": "caddy run --config /routes/caddy.json",
            "volumes": [f"{self._folder}:/routes:ro"],
        }
        app = {"image": f"{IMAGE}:${{VERSION}}", "scale": 2}
        services = {"app": app, "proxy": {**proxy, "ports": [f"127.0.0.1:{PORT}:8080"]}}
        (self._folder / "docker-compose.yml").write_text(json.dumps({"version": "2.4", "services": services}))
        try:
            self.rollback()
        except RuntimeError as error:
            self.__exit__()
            raise Unavailable(str(error)) from error
        return self

    def __exit__(self, *error: object) -> None:
        subprocess.run(
            [*self._program, "down", "--volumes"],
            cwd=self._folder,
            env={**self._env, "VERSION": VERSIONS[0]},
            capture_output=True,
            check=False,
        )

    def deploy(self) -> None:
        self._up(VERSIONS[1])

    def rollback(self) -> None:
        self._up(VERSIONS[0])

    def _up(self, version: str) -> None:
        done = subprocess.run(
            [*self._program, "up", "-d"],
            cwd=self._folder,
            env={**self._env, "VERSION": version},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"docker-compose up -d exited with {done.returncode}:\n{done.stdout}{done.stderr}")


def build_images() -> None:
    """Build both versions."""
    for version in VERSIONS:
        docker("build", "--quiet", "--build-arg", f"VERSION={version}", "--tag", f"{IMAGE}:{version}", APPLICATION)


def remove_images() -> None:
    """Likewise."""
    docker("rmi", *(f"{IMAGE}:{version}" for version in VERSIONS), check=False)


def write_proxy(folder: Path, name: str) -> None:
    """Write the configuration of a Caddy that resolves the replicas by name."""
    handler = {
        "handler": "reverse_proxy",
        "dynamic_upstreams": {"source": "a", "name": name, "port": "8000", "refresh": "250ms"},
        "load_balancing": {"selection_policy": {"policy": "round_robin"}, "try_duration": "2s", "try_interval": "50ms"},
    }
    server = {"listen": [":8080"], "automatic_https": {"disable": True}, "routes": [{"handle": [handler]}]}
    (folder / "caddy.json").write_text(
        json.dumps({"admin": {"disabled": True}, "apps": {"http": {"servers": {"web": server}}}})
    )
