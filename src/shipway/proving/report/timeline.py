"""The timeline of a proof, with the locks held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipway.domain.proof import Lock, MigrationReport, Proof, Stage
from shipway.domain.value import dataclass
from shipway.proving.report.messages import LOCK_GRADES, Mode, mode_of
from shipway.system.durations import human


@dataclass(frozen=True)
class Held:
    """All locks of one mode on one relation in one stage; overlapping ones are merged."""

    relation: str
    mode: Mode
    times: tuple[tuple[float, float], ...]  # start since the stage began, and length, in seconds

    @property
    def seconds(self) -> float:
        """Total duration."""
        return sum(length for _, length in self.times)


def all_stages(proof: Proof) -> tuple[Stage, ...]:
    """The stages of the proof, the round trip and all tests by start time, without duplicates."""
    parts = (proof, proof.way, proof.old_code, proof.new_code, proof.traffic, proof.together)
    found = [stage for part in parts if part is not None for stage in part.stages]
    return tuple(sorted({(stage.name, stage.start): stage for stage in found}.values(), key=lambda stage: stage.start))


def length(proof: Proof) -> float:
    """Seconds that a timeline must cover."""
    return max([proof.seconds, *(stage.start + stage.seconds for stage in all_stages(proof))])


def held(locks: Iterable[Lock]) -> tuple[Held, ...]:
    """Locks by relation and mode: the most blocking first, then the longest."""
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for lock in locks:
        times.setdefault((lock.relation, lock.mode), []).append((lock.start, lock.seconds))
    found = [Held(relation, mode_of(mode), _merged(each)) for (relation, mode), each in times.items()]
    return tuple(sorted(found, key=lambda item: (LOCK_GRADES.index(item.mode.grade), -item.seconds, item.relation)))


def blocking(report: MigrationReport) -> list[tuple[Stage, Held]]:
    """Locks that block reads or writes, with their stages: those that block both first, then the longest."""
    found = [
        (stage, item) for stage in report.stages for item in held(stage.locks) if item.mode.grade in ("all", "writes")
    ]
    return sorted(found, key=lambda pair: (pair[1].mode.grade != "all", -pair[1].seconds))


def lock_texts(report: MigrationReport) -> list[str]:
    """The locks that block reads or writes, as messages."""
    return [
        f"{item.mode.name} on {item.relation} for {human(item.seconds)} in {stage.name}: {item.mode.blocks}"
        for stage, item in blocking(report)
    ]


def rewritten(report: MigrationReport) -> list[str]:
    """Tables that any stage rewrote completely."""
    return list(dict.fromkeys(name for stage in report.stages for name in stage.rewrites))


def _merged(times: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Merge overlaps: several sessions may hold the same lock."""
    found: list[tuple[float, float]] = []
    for start, taken in sorted(times):
        if found and start <= sum(found[-1]):
            first = found[-1][0]
            found[-1] = (first, max(sum(found[-1]), start + taken) - first)
        else:
            found.append((start, taken))
    return tuple(found)


def ticks(seconds: float, most: int = 5) -> Sequence[float]:
    """Round numbers from 0 up to `seconds`, at most `most` after the 0; whole minutes from 5 minutes on."""
    if seconds <= 0:
        return (0.0,)
    small = [factor * 10.0**power for power in range(-3, 3) for factor in (1, 2, 5) if factor * 10.0**power < 60]
    large = [60.0 * minutes for minutes in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)]
    step = next((step for step in (*(small if seconds < 300 else ()), *large) if seconds / step <= most), seconds)
    return tuple(step * index for index in range(int(seconds / step + 1e-9) + 1))
