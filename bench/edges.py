"""Compare reverse proxies under the same load, with the same containers and switches.

`python -m bench.edges` prints the table of docs/edge.md.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import FRESH, KEPT, SLOW, WEBSOCKET, Load, Sample, between, during, first_answer, last_other, p99, pause
from bench.measure import Row
from bench.proxies import HOST, PROXIES, Proxy
from bench.tools import docker
from examples.project import get

APPLICATION = Path(__file__).with_name("app")
IMAGE = "bench-edges:latest"
PORT = 8091  # and the next one, for metrics
SWITCHES, EVERY = 40, 0.4
STEADY, AROUND = 2.0, 0.2  # seconds; how long after a switch counts as "during"
SHARE = 10  # percent
OTHER = "other.localhost"


@dataclass(frozen=True)
class Found:
    """The measurements of one proxy; times in seconds."""

    requests: int
    lost: Mapping[str, int]
    failures: str
    first: Sequence[float]  # of each switch: until the first new answer
    last: Sequence[float]  # until the start of the last request that the old version answered
    p99: tuple[float, float]  # around a switch, steady
    share: float  # percent of requests that a version with the share SHARE got
    added: float  # until a new application answered
    lost_by_adding: int
    memory: float  # MiB
    facts: Mapping[str, bool]  # by description


def measured() -> dict[str, Found]:
    """All proxies by name, one after the other; those that can't be installed are omitted."""
    found: dict[str, Found] = {}
    docker("build", "--quiet", "--tag", IMAGE, APPLICATION)
    names = [f"bench-edges-{version}-{index}" for version in ("one", "two") for index in (0, 1)]
    try:
        for name in names:
            version = name.split("-")[2]
            docker("run", "--detach", "--name", name, "--env", f"VERSION={version}", IMAGE)
        addresses = [f"{_address(name)}:8000" for name in names]
        versions = {"one": addresses[:2], "two": addresses[2:]}
        for kind in PROXIES:
            with tempfile.TemporaryDirectory() as folder:
                proxy = kind(Path(folder), PORT, versions)
                try:
                    found[proxy.name] = _measure(proxy)
                except FileNotFoundError as error:
                    print(f"edges: {proxy.name} is omitted: {error} can't be installed here", file=sys.stderr)
                finally:
                    proxy.remove()
                    subprocess.run(["rm", "-rf", *Path(folder).iterdir()], check=False)
    finally:
        docker("rm", "--force", *names, check=False)
        docker("rmi", IMAGE, check=False)
    return found


def rows() -> list[Row]:
    """All rows of this theme."""
    return [row for name, found in measured().items() for row in _rows(name, found)]


def _rows(name: str, found: Found) -> list[Row]:
    if found.failures:
        print(f"edges: {name}: {found.failures}", file=sys.stderr)
    return [
        Row(f"{name}, {SWITCHES} switches: requests", found.requests, "requests"),
        Row(f"{name}: lost, keep-alive", found.lost[KEPT], "lost"),
        Row(f"{name}: lost, new connections", found.lost[FRESH], "lost"),
        Row(f"{name}: 3 s responses and websockets broken", found.lost[SLOW] + found.lost[WEBSOCKET], "lost"),
        Row(f"{name}: switch, first new answer (median)", statistics.median(found.first) * 1000, "ms"),
        Row(f"{name}: switch, first new answer (worst)", max(found.first) * 1000, "ms"),
        Row(f"{name}: switch, last request to the old version (worst)", max(found.last) * 1000, "ms"),
        Row(f"{name}: p99 during switches / steady", found.p99[0] / found.p99[1], "×"),
        Row(f"{name}: measured share of a version set to {SHARE} %", found.share, "%"),
        Row(f"{name}: another application is added", found.added * 1000, "ms"),
        Row(f"{name}: lost while it is added", found.lost_by_adding, "lost"),
        Row(f"{name}: idle memory (PSS)", found.memory, "MiB"),
    ]


def _measure(proxy: Proxy) -> Found:
    proxy.start({"one": 100})
    _until(HOST, b"version one")
    time.sleep(1)
    memory = _memory(proxy.container)
    headers = get(f"http://{HOST}:{PORT}/headers")[1].lower()
    moments: list[tuple[float, str]] = []
    with Load(HOST, PORT) as load:
        time.sleep(1)
        steady = [pause(STEADY)]
        for number in range(SWITCHES):
            version = ("two", "one")[number % 2]
            moments.append((time.monotonic(), version))
            proxy.share({version: 100})
            time.sleep(EVERY - (time.monotonic() - moments[-1][0]))
        time.sleep(EVERY)
        steady.append(pause(STEADY))
        proxy.share({"one": 100 - SHARE, "two": SHARE})
        time.sleep(1)
        shared = pause(2)
        proxy.share({"one": 100})
        time.sleep(1)
        asked = time.monotonic()
        proxy.add(OTHER, proxy.versions["two"])
        added = _until(OTHER, b"version two") - asked
        time.sleep(2)
    quick = load.quick()
    return Found(
        requests=len(quick),
        lost={kind: load.lost(kind) for kind in load.samples},
        failures=load.failures(),
        first=[(first_answer(quick, version, at) or at + EVERY) - at for at, version in moments],
        last=[last_other(quick, version, at, at + EVERY) - at for at, version in moments],
        p99=(
            p99(during(quick, [at for at, _ in moments], AROUND)),
            p99([item for stretch in steady for item in between(quick, *stretch)]),
        ),
        share=_share(between(quick, *shared)),
        added=added,
        lost_by_adding=sum(bool(item.failure) for item in between(quick, asked - 0.2, asked + 2)),
        memory=memory,
        facts=_facts(headers, get(f"http://{HOST}:{PORT + 1}/metrics")[1]),
    )


def _facts(headers: str, metrics: str) -> dict[str, bool]:
    """Observed facts about headers and metrics."""
    return {
        "the application gets the client's address": "x-forwarded-for:" in headers,
        "the application gets a request id": "x-request-id:" in headers,
        "errors are counted by version": bool(
            re.search(r"^\w*(requests|responses)_total\{[^}]*two", metrics, re.MULTILINE)
        ),
        "latency is counted by version, as a histogram": bool(
            re.search(r"^\w*duration_seconds_bucket\{[^}]*two", metrics, re.MULTILINE)
        ),
    }


def _share(samples: Sequence[Sample]) -> float:
    return 100 * sum(item.version == "two" for item in samples) / max(1, len(samples))


def _until(host: str, body: bytes, seconds: float = 15.0) -> float:
    """The time at which the site answers with the body."""
    deadline = time.monotonic() + seconds
    while True:
        said = get(f"http://{host}:{PORT}/")[1]
        if said.startswith(body.decode()):
            return time.monotonic()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{host} answers {said[:200]!r}")
        time.sleep(0.005)


def _address(container: str) -> str:
    return docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", container)


def _memory(container: str) -> float:
    """MiB of all its processes, with shared pages divided among them; without access to these, the engine's value."""
    total = 0
    for line in docker("top", container, "-eo", "pid").splitlines()[1:]:
        try:
            text = Path(f"/proc/{line.strip()}/smaps_rollup").read_text()
        except OSError:
            return float("nan")
        total += int(text.split("\nPss:")[1].split()[0])
    return total / 1024


def _table(found: Mapping[str, Found]) -> str:
    """Markdown, one column per proxy."""
    parts = {name: _rows(name, item) for name, item in found.items()}
    lines = [" | ".join(["| ", *parts]) + " |", "|---" * (len(parts) + 1) + "|"]
    for cells in zip(*parts.values(), strict=True):
        title = cells[0].name.split(": ", 1)[1]
        lines.append(" | ".join([f"| {title}", *(f"{round(cell.value, 2):g} {cell.unit}" for cell in cells)]) + " |")
    for fact in next(iter(found.values())).facts:
        lines.append(
            " | ".join([f"| {fact}", *("yes" if item.facts[fact] else "no" for item in found.values())]) + " |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    everything = measured()
    for each, its in everything.items():
        print(f"{each}: {its.failures or 'nothing was lost'}", file=sys.stderr)
    print(_table(everything))
