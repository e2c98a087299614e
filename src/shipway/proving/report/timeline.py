"""When what happened in a proof, and which locks were held meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shipway.domain.proof import Lock, Proof, Stage
from shipway.proving.report.words import LOCK_GRADES, Mode, mode_of


@dataclass(frozen=True)
class Held:
    """All locks of one mode on one relation in one stage."""

    relation: str
    mode: Mode
    times: tuple[tuple[float, float], ...]  # start since the stage began, and length, in seconds

    @property
    def seconds(self) -> float:
        """Together."""
        return sum(length for _, length in self.times)


def all_stages(proof: Proof) -> tuple[Stage, ...]:
    """Those of the proof, of the way and of both trials, as they began; each once."""
    found = [*proof.stages, *(proof.way.stages if proof.way else ()), *proof.old_code.stages, *proof.new_code.stages]
    return tuple(sorted({(stage.name, stage.start): stage for stage in found}.values(), key=lambda stage: stage.start))


def length(proof: Proof) -> float:
    """Seconds that a time line must have room for."""
    return max([proof.seconds, *(stage.start + stage.seconds for stage in all_stages(proof))])


def held(locks: Iterable[Lock]) -> tuple[Held, ...]:
    """By relation and mode: what keeps most others waiting first, then what is held longest."""
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for lock in locks:
        times.setdefault((lock.relation, lock.mode), []).append((lock.start, lock.seconds))
    found = [Held(relation, mode_of(mode), tuple(sorted(each))) for (relation, mode), each in times.items()]
    return tuple(sorted(found, key=lambda item: (LOCK_GRADES.index(item.mode.grade), -item.seconds, item.relation)))


def ticks(seconds: float, most: int = 5) -> Sequence[float]:
    """Round numbers from 0 up to `seconds`, at most `most` of them after the 0."""
    if seconds <= 0:
        return (0.0,)
    steps = (factor * 10.0**power for power in range(-3, 7) for factor in (1, 2, 5))
    step = next((step for step in steps if seconds / step <= most), seconds)
    return tuple(step * index for index in range(int(seconds / step + 1e-9) + 1))
