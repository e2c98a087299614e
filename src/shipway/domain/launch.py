"""The launch of an environment: what its plan says about it, and what the ledger keeps of it."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.value import dataclass

SEED, HELD, OPEN = "seed", "deployment", "open"  # steps whose records decide something
PENDING, SUCCEEDED, FAILED = "pending", "succeeded", "failed"  # as `domain.release` has them
DONE, NEEDED, NOT_NEEDED = (
    "done",
    "needed",
    "not needed",
)  # states of a step before it runs; the last: the plan asks nothing of it


@dataclass(frozen=True)
class Load:
    """A load of the system test, and the limits that it must meet."""

    rate: float = 20.0  # requests a second
    duration: float = 60.0  # seconds
    p99: float | None = None  # seconds; None: only measured
    errors: float = 0.0  # share of the requests
    path: str = "/"

    @property
    def text(self) -> str:
        """In a few words."""
        limit = f", p99 at most {self.p99:g} s" if self.p99 else ""
        return f"{self.rate:g}/s for {self.duration:g} s at {self.path}{limit}, errors at most {self.errors:.2%}"


@dataclass(frozen=True)
class Launch:
    """Key `launch` of an environment: what its system test looks at, beside what it always does."""

    scenarios: tuple[str, ...] = ()  # of `prove.scenarios`, which may run in the environment itself
    load: Load | None = None
    index: bool | None = None  # whether search engines may list it; None: not tested
    headers: tuple[str, ...] | None = None  # of responses, which must be there; None: by the address
    wait: float = 600.0  # seconds to wait for the names to resolve

    @property
    def text(self) -> str:
        """What the rules in force say, for display and comparison; `none` without a rule."""
        found = [f"scenario {name}" for name in self.scenarios]
        found += [f"load {self.load.text}"] if self.load else []
        found += ["indexed" if self.index else "not indexed"] if self.index is not None else []
        found += [f"headers {' '.join(self.headers) or 'none'}"] if self.headers is not None else []
        return ", ".join(found) or "none"


@dataclass(frozen=True)
class LaunchRecord:
    """What happened to one step of a launch. A step is recorded as pending before its effect."""

    app: str
    environment: str
    step: str
    outcome: str  # pending, succeeded or failed
    release: int | None
    detail: str
    actor: str
    at: float


@dataclass(frozen=True)
class StepState:
    """A step of the checklist. state: done, needed, not needed, or its outcome."""

    name: str
    state: str
    why: str = ""  # why it is needed, or what came of it
    would: tuple[str, ...] = ()  # what it does and needs


def newest(records: Sequence[LaunchRecord], step: str, since: float) -> LaunchRecord | None:
    """The latest record of a step after a time. records: oldest first."""
    return next((item for item in reversed(records) if item.step == step and item.at > since), None)


def succeeded(records: Sequence[LaunchRecord], step: str, since: float) -> bool:
    """Whether a step has ever succeeded after that time."""
    return any(item.step == step and item.outcome == SUCCEEDED and item.at > since for item in records)


def begun(records: Sequence[LaunchRecord], since: float) -> bool:
    """Whether a launch has begun after that time, and not opened the address. Seeds also run without one."""
    return any(item.step != SEED and item.at > since for item in records) and not succeeded(records, OPEN, since)


def seed_due(each: str, records: Sequence[LaunchRecord], since: float) -> bool:
    """Whether a deployment runs the seed. records: of the environment; since: when it was last destroyed."""
    return each != "environment" or not succeeded(records, SEED, since)


def unfinished(records: Sequence[LaunchRecord], since: float) -> LaunchRecord | None:
    """The step in which the last launch ended: pending or failed; None if it came to its end. Seeds also run without one."""
    latest = [item for item in records if item.at > since and item.step != SEED][-1:]
    return next((item for item in latest if item.outcome in (PENDING, FAILED)), None)


def name_problem(name: str, found: Sequence[str], expected: Sequence[str]) -> str:
    """Why a name doesn't lead to the hosts; empty if it does. Both: addresses."""
    if not found:
        return f"{name} doesn't resolve"
    wrong = sorted(set(found) - set(expected))
    if not wrong:
        return ""
    return (
        f"{name} resolves to {', '.join(wrong)}, not to {', '.join(sorted(expected)) or 'a known address of the hosts'}"
    )
