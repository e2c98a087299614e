"""Every day: logs and one-off commands, compared with the docker command.

The logs of three replicas are read by `shipway logs` together and in the order of time, by `docker logs` one after the
other, as a person would, and side by side.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from bench.measure import Row, command, interleaved
from bench.tools import docker
from examples.project import SHIPWAY
from shipway.domain import names
from tests.system.tiny import Tiny

REPLICAS = 3
LINES = 33_334  # of each replica
TIMES = 7
WRITE = (
    f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); "
    'echo "$i GET /api/items?page=$i HTTP/1.1 200 512 0.0123 Mozilla/5.0 (X11; Linux x86_64)"; done; '
    "exec caddy run --config Caddyfile --adapter caddyfile"
)
PATIENCE = 120.0  # seconds until all lines are written


def rows() -> list[Row]:
    """`logs` of 100,000 lines, and `exec` of a command that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        project = Tiny(Path(folder))
        project.create()
        try:
            return _measured(project)
        finally:
            project.destroy()


def _measured(project: Tiny) -> list[Row]:
    web = project.plan["services"]["web"]
    web |= {"replicas": REPLICAS, "secrets": ["KEY"], "command": f"sh -c '{WRITE}'"}
    web["health"]["timeout"] = "60s"
    project.change("one")
    project.shipway("secret", "set", "staging", "KEY", "--generate")
    project.shipway("run", "staging")
    containers = sorted(project.containers(role="service"))
    for name in containers:
        _await_lines(name)

    def side_by_side() -> None:
        nothing = subprocess.DEVNULL
        running = [subprocess.Popen(["docker", "logs", name], stdout=nothing, stderr=nothing) for name in containers]
        assert not any(each.wait() for each in running)

    def one_by_one() -> None:
        for name in containers:
            command("docker", "logs", name)()

    def shipway(*args: str) -> None:
        command(SHIPWAY, *args, cwd=project.clone, env=project.env)()

    logs, peer, parallel = interleaved(
        [lambda: shipway("logs", "staging", "web", "--lines", "all"), one_by_one, side_by_side], TIMES
    )
    image = docker("inspect", "--format", "{{.Image}}", containers[0])
    network = names.network(project.app, "staging")
    run = ("docker", "run", "--rm", "--interactive", "--init", "--network", network, "--entrypoint", "true", image)
    executed, ran = interleaved([lambda: shipway("exec", "staging", "web", "--", "true"), command(*run)], TIMES)
    count = REPLICAS * LINES
    return [
        Row(f"shipway logs of {count} lines of {REPLICAS} replicas", logs, "s"),
        Row("shipway logs / docker logs of each replica in turn", logs / peer, "×", 1.25),
        Row("shipway logs / docker logs of all replicas side by side", logs / parallel, "×"),
        Row("shipway exec / docker run --rm", executed / ran, "×", 1.3),
        Row("docker run --rm", ran * 1000, "ms"),
    ]


def _await_lines(container: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while f"{LINES} GET" not in docker("logs", "--tail", "100", container):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{container} did not write its lines")
        time.sleep(0.2)
