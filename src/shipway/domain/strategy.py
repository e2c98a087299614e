"""How a release takes over from the previous one, and how it is watched."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Strategy:
    """How a release takes over. blue-green: all at once. rolling: a few replicas at a time, to save memory. canary: a
    growing share of the requests, while error rate and latency are good."""

    kind: str = "blue-green"
    batch: int = 1  # rolling: replicas of a service replaced at a time, on each host
    steps: tuple[float, ...] = (0.05, 0.25, 0.5)  # canary: shares of the requests, ascending, below 1
    hold: float = 60.0  # canary: seconds for each share


@dataclass(frozen=True)
class Watch:
    """Criteria for the requests to a release: after its switch for `duration`, and in each step of a canary."""

    duration: float = 0.0  # seconds; 0: not watched
    errors: float = 0.01  # permitted share of requests answered with 500 to 599
    latency: float | None = None  # canary: permitted ratio of its 95th percentile to the previous release's
    requests: int = 50  # minimum to judge by; Shipway adds its own probes if there are fewer
