"""A launch on several hosts beside one on the slowest of them alone, in the same run: from nothing but the release to open.

The hosts are engines with SSH servers in namespaces of this machine (`tests/nodes.py`), and share its processors: so the floor is
what the engines alone take longer for each other, starting two containers by `docker run` on one host and on several at once.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.measure import Row, seconds
from tests.nodes import Nodes, running_nodes
from tests.own_names import resolving
from tests.system.tiny import Tiny

HOSTS = 3
TIMES = 3
GOAL = 1.0  # times what engines take longer for each other
PORT = 8826
NAME = "shop.example"
IMAGES = ("caddy:2", "traefik:v3")
# The engine's part of a launch, without Shipway: the service, the edge, and the networks between them.
PLAIN = """
docker network create floor-a && docker network create floor-b
docker run -d --name floor-service --network floor-a caddy:2 caddy respond --listen :8000
docker run -d --name floor-edge --network floor-b traefik:v3 traefik --entrypoints.web.address=:8000
docker network connect floor-a floor-edge
"""
REMOVE = "docker rm -f floor-service floor-edge; docker network rm floor-a floor-b"


def rows() -> list[Row]:
    """Seconds of each, and their ratios."""
    with tempfile.TemporaryDirectory() as folder, running_nodes(HOSTS) as nodes:
        for name in nodes.names:
            nodes.load(name, *IMAGES)
        chosen = [*([name] for name in nodes.names), *(nodes.names[:count] for count in range(2, HOSTS + 1))]
        projects = [Launched(Path(folder) / "-".join(names), nodes, names) for names in chosen]
        try:
            for project in projects:
                project.begin()
            taken = [
                [*(project.launch() for project in projects), *(_plain(nodes, names) for names in chosen)]
                for _ in range(TIMES + 1)
            ][1:]  # after a warm-up
        finally:
            for project in projects:
                project.destroy()
    medians = [statistics.median(each) for each in zip(*taken, strict=True)]
    launches, plain = medians[: len(chosen)], medians[len(chosen) :]
    found = [Row(f"launch on the slowest of {HOSTS} hosts alone", max(launches[:HOSTS]), "s")]
    for index, names in enumerate(chosen[HOSTS:], HOSTS):
        count = len(names)
        ratio, floor = (each[index] / max(each[:count]) for each in (launches, plain))
        found += [
            Row(f"launch on {count} hosts", launches[index], "s"),
            Row(f"launch on {count} hosts / on the slowest of them alone", ratio, "×"),
            Row(f"its floor: `docker run` on {count} hosts / on the slowest of them alone", floor, "×"),
            Row(f"launch on {count} hosts, times longer than on one / its floor", ratio / floor, "×", GOAL),
        ]
    return found


def _plain(nodes: Nodes, names: Sequence[str]) -> float:
    """Seconds in which all of these hosts do the engine's part, at once."""
    with ThreadPoolExecutor(len(names)) as pool:
        took = seconds(lambda: list(pool.map(lambda name: nodes.ssh(name, f"set -e {PLAIN}"), names)))
        list(pool.map(lambda name: nodes.ssh(name, REMOVE), names))
    return took


class Launched(Tiny):
    """One web service on these nodes."""

    def __init__(self, folder: Path, nodes: Nodes, names: Sequence[str]) -> None:
        super().__init__(folder, port=PORT)
        folder.mkdir()
        self.plan["environments"]["staging"] |= {
            "url": f"http://{NAME}:{PORT}",
            "hosts": [f"ssh://{name}" for name in names],
        }
        self.env["PATH"] = f"{nodes.bin}:{self.env['PATH']}"
        addresses = {name: [nodes.address(name)] for name in nodes.names}
        self.own_names = resolving(folder / "names", {**addresses, NAME: [nodes.address(name) for name in names]})

    def begin(self) -> None:
        """The repository, and the rules."""
        self.create()
        self.protect()
        self.change("one")

    def launch(self) -> float:
        """Seconds of a launch. It is destroyed afterwards, but for the release."""
        took = seconds(lambda: self.shipway("launch", "staging"))
        self.shipway("destroy", "staging", "--force", "--volumes")
        return took

    def _completed(self, args: Sequence[str], *, merged: bool) -> subprocess.CompletedProcess[str]:
        if args[0] != "shipway":
            return super()._completed(args, merged=merged)
        return super()._completed([*self.own_names, *args], merged=merged)  # a command as a person starts it


if __name__ == "__main__":
    for row in rows():
        print(row)
