"""A source of an app in memory."""

from __future__ import annotations

from pathlib import Path

from shipway.domain.errors import PlanError, RepositoryError
from shipway.domain.plan import Plan
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class MemoryProject:
    """Implements ports.ProjectSource. found: its plan; folder: its clone. None: it has none."""

    name: str
    found: Plan | None = None
    folder: Path | None = None
    is_checkout: bool = False

    def plan(self) -> Plan:
        """The given one."""
        if self.found is None:
            raise PlanError(f"there is no plan of {self.name}")
        return self.found

    def clone(self) -> Path:
        """The given one."""
        if self.folder is None:
            raise RepositoryError(f"there is no clone of {self.name}")
        return self.folder
