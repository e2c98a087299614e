"""Where the suites of Runtime run."""

from __future__ import annotations

from typing import Protocol

from shipway.domain.container import ContainerSpec
from shipway.domain.value import dataclass
from shipway.ports import Runtime


@dataclass(frozen=True)
class Program:
    """Behaviour of a container of the suite: it writes lines, then exits with a code or runs until it is stopped."""

    lines: tuple[str, ...] = ()
    exit_code: int | None = None
    stubborn: bool = False  # ignores SIGTERM; otherwise exits with 0
    echo: bool = False  # before its end it writes what it reads


SLEEPS = Program()


class RuntimeLab(Protocol):
    """A runtime with isolated names; everything is removed when the test ends."""

    @property
    def runtime(self) -> Runtime: ...

    app: str  # value of LABEL_APP
    answered: tuple[str, ...]  # a command that prints `pong`

    def name(self, suffix: str) -> str:
        """Name of a container, network or volume."""

    def spec(self, suffix: str, program: Program, **changes: object) -> ContainerSpec:
        """A specification that runs the program, with LABEL_APP, LABEL_NAME (the suffix) and LABEL_CONFIG."""


def started(lab: RuntimeLab, suffix: str, program: Program = SLEEPS, **changes: object) -> str:
    """Start a container that runs the program; returns its name."""
    spec = lab.spec(suffix, program, **changes)
    lab.runtime.create(spec)
    lab.runtime.start(spec.name)
    return spec.name
