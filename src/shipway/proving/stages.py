"""Stages of a test in a proof, as they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shipway.domain.proof import Stage
from shipway.domain.release import FAILED, SUCCEEDED
from shipway.proving.sandbox_environment import Failed


@dataclass
class Stages:
    """began: start of the proof, on this clock."""

    clock: Callable[[], float]
    began: float
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the block as a stage, with its outcome."""
        start = self.clock()
        outcome = FAILED
        output: tuple[str, ...] = ()
        try:
            yield
            outcome = SUCCEEDED
        except Failed as error:
            output = error.output
            raise
        finally:
            self.stages.append(Stage(name, start - self.began, self.clock() - start, outcome, output))
