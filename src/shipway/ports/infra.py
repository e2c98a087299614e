"""A tool that makes infrastructure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.infra import InfraPlan, Output, ResourceChange


class InfraTool(Protocol):
    """The infrastructure of one environment, as code in a folder. State and its lock are the tool's. An interrupt lets the
    tool end what it does, so that its state stays whole. Raises InfraError; a locked state names its holder."""

    def plan(self, file: Path, on_line: Callable[[str], None], *, destroy: bool = False) -> InfraPlan:
        """What it would change, or destroy; the tool's own plan is written to a new file (mode 0600)."""

    def apply(self, file: Path, on_line: Callable[[str], None]) -> None:
        """Do exactly what a plan's file says. InfraError if the state has changed since: the plan is stale."""

    def outputs(self) -> Mapping[str, Output]:
        """The outputs as last applied."""

    def drift(self, on_line: Callable[[str], None]) -> Sequence[ResourceChange]:
        """What was changed outside of the tool. Changes nothing."""
