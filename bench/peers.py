"""A deployment of pulled images compared with `docker run`, Swarm and docker-compose: wall time, and lost requests."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.floor import Floor
from bench.load import FRESH, KEPT, Load, Sample, first_answer
from bench.measure import Row
from bench.site import REPLICAS, Site
from bench.swarms import PORT, VERSIONS, Compose, Swarm, Unavailable, build_images, remove_images
from examples.project import get

ROUNDS = 4  # of Shipway and the floor, in turn
PEER_ROUNDS = 3
RATE = {KEPT: 100.0, FRESH: 100.0}  # requests per second during it
REST = 1.0  # seconds after each command
LATE = 30.0  # seconds until the new version must answer


@dataclass(frozen=True)
class Measured:
    """Median times until the command has ended and the new version has answered; lost and slow requests."""

    deploy: float
    rollback: float
    lost: int
    requests: int
    slowest: float  # seconds


def rows() -> list[Row]:
    """All rows of this theme."""
    floor, ours = _ours()
    found = [
        Row(f"floor: docker run of {REPLICAS} containers + first healthy answers", floor, "s"),
        Row("shipway deploy of a pulled release / floor", ours.deploy / floor, "×", 1.3),
        *_visitors("shipway", ours, 0),
    ]
    build_images()
    try:
        for kind in (Swarm, Compose):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    with kind(Path(folder)) as peer:
                        its = _peer(peer)
                except Unavailable as reason:
                    print(f"peers: {kind.name} is omitted: {reason}", file=sys.stderr)
                    continue
            found += [
                Row(f"{kind.name}, until the new version answers", its.deploy, "s"),
                Row(f"{kind.back}, until the old version answers", its.rollback, "s"),
                Row(f"shipway deploy / {kind.name}", ours.deploy / its.deploy, "×", 1),
                Row(f"shipway rollback / {kind.back}", ours.rollback / its.rollback, "×", 1),
                *_visitors(kind.name, its, None),
            ]
    finally:
        remove_images()
    return found


def _visitors(name: str, found: Measured, goal: float | None) -> list[Row]:
    return [
        Row(f"{name}: requests lost of {found.requests}", found.lost, "lost", goal),
        Row(f"{name}: the slowest answer meanwhile", found.slowest, "s"),
    ]


def _ours() -> tuple[float, Measured]:
    """Median of the floor, and Shipway's, in turn."""
    with tempfile.TemporaryDirectory() as folder, Floor(REPLICAS) as floor:
        done: list[tuple[bool, str, float, float]] = []
        floors = []
        with Site(Path(folder) / "peers", releases=ROUNDS + 1, drain="1s").made() as site:
            image = site.image(1)
            with Load(site.host, site.port, RATE) as load:
                for number in range(2, ROUNDS + 2):
                    floors.append(floor.seconds(image))
                    time.sleep(REST)
                    for forward, switched in ((True, site.deploy(number)), (False, site.rollback(1))):
                        done.append((forward, switched.version, switched.started, switched.ended))
                    time.sleep(REST)
                    site.retire()
    return statistics.median(floors), _measured(load, done)


def _peer(peer: Swarm | Compose) -> Measured:
    """Deploy and roll back several times."""
    _until(VERSIONS[0])
    done: list[tuple[bool, str, float, float]] = []
    steps: Sequence[tuple[bool, str, Callable[[], None]]] = (
        (True, VERSIONS[1], peer.deploy),
        (False, VERSIONS[0], peer.rollback),
    )
    with Load("app.localhost", PORT, RATE) as load:
        time.sleep(REST)
        for _ in range(PEER_ROUNDS):
            for forward, version, command in steps:
                started = time.monotonic()
                command()
                done.append((forward, version, started, time.monotonic()))
                _until(version)
                time.sleep(REST)
    return _measured(load, done)


def _measured(load: Load, done: Sequence[tuple[bool, str, float, float]]) -> Measured:
    quick = load.quick()
    if load.failures():
        print(f"peers: {load.failures()}", file=sys.stderr)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for forward, version, started, ended in done:
        taken[forward].append(_settled(quick, version, started, ended) - started)
    return Measured(
        deploy=statistics.median(taken[True]),
        rollback=statistics.median(taken[False]),
        lost=load.lost(KEPT) + load.lost(FRESH),
        requests=len(quick),
        slowest=max(item.took for item in quick),
    )


def _settled(samples: Sequence[Sample], version: str, started: float, ended: float) -> float:
    return max(ended, first_answer(samples, version, started) or ended + LATE)


def _until(version: str) -> None:
    deadline = time.monotonic() + LATE
    while f"version {version}\n" not in get(f"http://app.localhost:{PORT}/")[1]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"version {version} did not answer within {LATE:g} s")
        time.sleep(0.05)
