"""Deployments and rollbacks of a site under load: the result and duration of each request.

`FULL=1`: 1,000,000 requests over 50 of each, at twice the rate; else 100,000 over 5 of each.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.load import (
    FRESH,
    KEPT,
    RATE,
    SLOW,
    WEBSOCKET,
    Load,
    Sample,
    between,
    during,
    first_answer,
    last_other,
    p99,
    pause,
)
from bench.measure import Row
from bench.site import Site, Switched

Stretch = tuple[float, float]  # from and until, monotonic
ROUNDS, REQUESTS, TIMES = (50, 1_000_000, 2) if os.environ.get("FULL") else (5, 100_000, 1)
SPEED = {kind: RATE[kind] * (TIMES if kind in (KEPT, FRESH) else 1) for kind in RATE}
QUICK = SPEED[KEPT] + SPEED[FRESH]  # short requests per second
LIMIT = 2 * REQUESTS / QUICK  # seconds: at half the rate
AFTER = 8.0  # seconds after each command
SETTLED = 1.5  # of them, before the steady state begins
REST = 4.5  # of them, before the clean-up begins, which lasts until the end


def rows() -> list[Row]:
    """All rows of this theme."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Site(Path(folder) / "lossless", releases=ROUNDS + 1).made() as site,
        Load(site.host, site.port, SPEED, limit=LIMIT) as load,
    ):
        deployments, rollbacks, quiet, clean_up = _rounds(site)
    if load.failures():
        print(f"lossless: {load.failures()}", file=sys.stderr)
    quick = load.quick()
    steady = p99(_within(quick, quiet))
    rate = f"at {QUICK:.0f} requests a second"
    all_traffic = [
        last_other(quick, item.version, item.started, item.ended + SETTLED) - item.started for item in rollbacks
    ]
    what = f"{ROUNDS} deployments + {ROUNDS} rollbacks"
    return [
        Row(f"{what}: requests answered at once", len(quick), "requests"),
        Row(f"{what}: 3 s responses in progress", len(load.samples[SLOW]), "requests"),
        Row(f"{what}: websockets open", len(load.samples[WEBSOCKET]), ""),
        Row("requests lost, keep-alive", load.lost(KEPT), "lost", 0),
        Row("requests lost, new connections", load.lost(FRESH), "lost", 0),
        Row("3 s responses broken", load.lost(SLOW), "lost", 0),
        Row("websockets broken by a switch before `drain`", load.lost(WEBSOCKET), "lost", 0),
        Row(f"p99 in the steady state, {rate}", steady * 1000, "ms"),
        Row(
            f"p99 around the switch of a rollback / in the steady state, {rate}",
            _around(quick, rollbacks) / steady,
            "×",
            2,
        ),
        Row(
            f"p99 around the switch of a deployment / in the steady state, {rate}",
            _around(quick, deployments) / steady,
            "×",
            2,
        ),
        Row(
            f"p99 during a deployment, including the start of its containers / in the steady state, {rate}",
            p99(_within(quick, [(item.started, item.ended) for item in deployments])) / steady,
            "×",
            3,
        ),
        Row(
            f"p99 during the background clean-up, from {REST:g} s after a command / in the steady state, {rate}",
            p99(_within(quick, clean_up)) / steady,
            "×",
        ),
        Row("rollback to the standby, whole command (worst)", max(item.took for item in rollbacks), "s", 1),
        Row("rollback to the standby, from command to all traffic (worst)", max(all_traffic), "s", 1),
        Row(
            "rollback to the standby, from the decision to the last switch (worst)",
            max(item.switch for item in rollbacks) * 1000,
            "ms",
            150,
        ),
        Row("deployment under load, whole command (worst)", max(item.took for item in deployments), "s"),
    ]


def _around(quick: Sequence[Sample], switched: Iterable[Switched]) -> float:
    """p99 of the requests that began around these switches."""
    found = [first_answer(quick, item.version, item.started) for item in switched]
    return p99(during(quick, [moment for moment in found if moment is not None]))


def _within(quick: Sequence[Sample], stretches: Iterable[Stretch]) -> list[Sample]:
    """The requests that began in these periods."""
    return [item for start, end in stretches for item in between(quick, start, end)]


def _rounds(site: Site) -> tuple[list[Switched], list[Switched], list[Stretch], list[Stretch]]:
    """Deployments of new releases, rollbacks to the first one, the periods of steady state, and those of clean-up."""
    deployments, rollbacks = [], []
    started = time.monotonic()
    quiet, after = [pause(AFTER)], []
    for number in range(2, ROUNDS + 2):
        deployments.append(site.deploy(number))
        after.append(pause(AFTER))
        rollbacks.append(site.rollback(1))
        after.append(pause(AFTER))
    missing = REQUESTS / QUICK * 1.01 - (time.monotonic() - started)
    if missing > 0:
        quiet.append(pause(missing))
    quiet += [(start + SETTLED, start + REST) for start, _ in after]
    return deployments, rollbacks, quiet, [(start + REST, end) for start, end in after]
