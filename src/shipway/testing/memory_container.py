"""Containers in memory, and how they behave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.container import ContainerInfo, ContainerSpec
from shipway.domain.value import dataclass
from shipway.testing.memory_files import Files


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of a started container."""

    lines: tuple[str, ...] = ()
    exit_code: int | None = None  # None: it runs until it is stopped
    healthy: bool = True  # whether it answers probes
    stop_code: int = 0  # exit code on SIGTERM
    stubborn: bool = False  # it ignores SIGTERM
    echo: bool = False  # an attached one writes what it reads
    loops: bool = False  # it crash-loops: from the third check on, each one finds one more restart
    files: Mapping[str, bytes] = field(default_factory=dict)  # in its image, by absolute path
    answers: Mapping[str, tuple[int, str]] = field(default_factory=dict)  # output of commands, joined by blanks


@dataclass
class Container:
    """A container in memory."""

    spec: ContainerSpec
    info: ContainerInfo
    behaviour: Behaviour
    files: Files
    looks: int = 0

    @property
    def mounts(self) -> dict[str, str]:
        """Volume name by path, including anonymous ones."""
        return dict(self.info.volumes)
