"""A working tree: the plan is the file that a person edits."""

from __future__ import annotations

from pathlib import Path

from shipway.domain.plan import Plan
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class WorkTree:
    """Implements ports.ProjectSource. folder: in the working tree."""

    folder: Path
    found: Plan

    @property
    def name(self) -> str:
        """As in the plan."""
        return self.found.app

    @property
    def is_checkout(self) -> bool:
        """It is."""
        return True

    def plan(self) -> Plan:
        """The file's."""
        return self.found

    def clone(self) -> Path:
        """The repository around it."""
        from shipway.system.git import Repository

        return Repository.find(self.folder).path
