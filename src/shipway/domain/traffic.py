"""Success and latency of the requests to a release, counted by an edge and judged here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.strategy import Watch
from shipway.domain.value import dataclass

GOOD, BAD, UNKNOWN = "good", "bad", "insufficient data"
PERCENTILE = 0.95


@dataclass(frozen=True)
class Traffic:
    """Requests to one release since the edge started; counts of several edges add up."""

    requests: int = 0
    errors: int = 0  # answered with 500 to 599, also by the edge itself
    seconds: Mapping[float, int] = field(default_factory=dict)  # cumulative: upper bound to requests

    def __add__(self, other: Traffic) -> Traffic:
        return self._with(other, 1)

    def __sub__(self, before: Traffic) -> Traffic:
        """The requests since `before`. After a restart the edge counts from 0: then all of its requests."""
        return self if before.requests > self.requests else self._with(before, -1)

    def _with(self, other: Traffic, sign: int) -> Traffic:
        bounds = sorted({*self.seconds, *other.seconds})
        seconds = {bound: self.seconds.get(bound, 0) + sign * other.seconds.get(bound, 0) for bound in bounds}
        return Traffic(self.requests + sign * other.requests, self.errors + sign * other.errors, seconds)

    @property
    def failing(self) -> float:
        """Error rate, 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def slowest(self) -> float | None:
        """Upper bound of the 95th percentile in seconds; None without requests, or beyond the last bound."""
        needed = self.requests * PERCENTILE
        return (
            next((bound for bound, count in sorted(self.seconds.items()) if count >= needed), None) if needed else None
        )


@dataclass(frozen=True)
class Verdict:
    """A verdict (good, bad or insufficient data), with its reason as a message."""

    word: str
    why: str


def judge(new: Traffic, rule: Watch, old: Traffic | None = None) -> Verdict:
    """Judge the requests to a release; `old`: the other release's in the same period, if one serves."""
    seen = f"{new.errors} of {new.requests} requests failed"
    if new.errors > max(rule.errors * new.requests, rule.errors * rule.requests):
        return Verdict(BAD, f"{seen}, more than {rule.errors:.2%}")  # enough errors, whatever follows
    if new.requests < rule.requests:
        return Verdict(UNKNOWN, f"{seen}; {rule.requests} requests are needed to judge")
    if rule.latency is not None and old is not None and old.requests >= rule.requests:
        mine, theirs = new.slowest, old.slowest
        if theirs is not None and (mine is None or mine > rule.latency * theirs):
            took = "longer than any bound" if mine is None else f"{mine:g} s"
            return Verdict(
                BAD, f"95 % of its requests took up to {took}; those of the previous release took up to {theirs:g} s"
            )
    return Verdict(GOOD, seen)
