"""The floor of a deployment: `docker run` of the same containers, and their first healthy answers."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Sequence

from bench.tools import docker

NETWORK = "bench-floor"
PATIENCE = 30.0  # seconds


class Floor:
    """A separate network with predefined addresses, so that no query for them is measured."""

    def __init__(self, replicas: int) -> None:
        self._names = [f"bench-floor-{index}" for index in range(replicas)]

    def __enter__(self) -> Floor:
        self._remove()
        docker("network", "create", NETWORK)
        subnet = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", NETWORK)
        docker("network", "rm", NETWORK)
        docker("network", "create", "--subnet", subnet, NETWORK)  # now a container may ask for an address
        first = subnet.partition("/")[0].rpartition(".")[0]
        self._addresses = [f"{first}.{20 + index}" for index in range(len(self._names))]
        return self

    def __exit__(self, *error: object) -> None:
        self._remove()

    def seconds(self, image: str) -> float:
        """Seconds to start all containers in parallel, until the last one has answered."""
        docker("rm", "--force", *self._names, check=False)
        started = time.monotonic()
        runs = [
            subprocess.Popen(
                ["docker", "run", "--detach", "--name", name, "--network", NETWORK, "--ip", address, image],
                stdout=subprocess.DEVNULL,
            )
            for name, address in zip(self._names, self._addresses, strict=True)
        ]
        _healthy(self._addresses, started + PATIENCE)
        if any(run.wait() for run in runs):
            raise RuntimeError(f"docker run {image} failed")
        taken = time.monotonic() - started
        docker("rm", "--force", *self._names)
        return taken

    def _remove(self) -> None:
        docker("rm", "--force", *self._names, check=False)
        docker("network", "rm", NETWORK, check=False)


def _healthy(addresses: Sequence[str], deadline: float) -> None:
    for address in addresses:
        while not _answers(address):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{address} doesn't become healthy")
            time.sleep(0.01)


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, 8000, timeout=0.2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
