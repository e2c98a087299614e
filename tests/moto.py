"""moto's server: a stand-in for services of AWS."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import programs


@contextmanager
def server(port: int) -> Iterator[str]:
    """Its address."""
    with _running([str(programs.moto())], port) as address:
        yield address


@contextmanager
def stacks(held: Path | None = None) -> Iterator[str]:
    """The address of one whose CloudFormation is completed, see moto_stacks.py. held: what is executed waits while it exists."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = programs.moto().parent / "python"
    script = Path(__file__).parent / "moto_stacks.py"
    with _running([str(python), "-P", str(script)], port, HELD=str(held or "")) as address:
        yield address


@contextmanager
def _running(program: list[str], port: int, **more: str) -> Iterator[str]:
    address = f"http://127.0.0.1:{port}"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | more
    command = [*program, "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120.0
        while not _answers(address):
            assert process.poll() is None, "moto's server ended"
            assert time.monotonic() < deadline, "moto's server doesn't start"
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/moto-api/", timeout=60):
            return True
    except OSError:
        return False


def client(address: str) -> Any:
    """A client of CloudFront beside the driver's own."""
    import botocore.session

    return botocore.session.Session().create_client(
        "cloudfront", region_name="us-east-1", endpoint_url=address, aws_access_key_id="id", aws_secret_access_key="key"
    )


def distribution(found: Any) -> str:
    """The id of a new one."""
    origin = {
        "Id": "o",
        "DomainName": "origin.example",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }
    config = {
        "CallerReference": str(time.monotonic_ns()), "Comment": "", "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0,
            "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "none"}},
        },
    }  # fmt: skip
    return str(found.create_distribution(DistributionConfig=config)["Distribution"]["Id"])


def invalidated(found: Any, zone: str, seen: set[str]) -> list[str]:
    """Paths of the invalidations that are not in `seen`, to which they are added."""
    paths: list[str] = []
    listed = found.list_invalidations(DistributionId=zone)["InvalidationList"].get("Items", [])
    for item in listed:
        if item["Id"] not in seen:
            seen.add(item["Id"])
            batch = found.get_invalidation(DistributionId=zone, Id=item["Id"])["Invalidation"]["InvalidationBatch"]
            paths += batch["Paths"]["Items"]
    return paths
