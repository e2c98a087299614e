"""Where a command finds an app: its plan and its commits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.plan import Plan


class ProjectSource(Protocol):
    """A working tree, a bare repository, or the ledger alone. Opened for one command; reads when asked, and writes
    nothing but caches of the home folder."""

    @property
    def name(self) -> str:
        """The app."""

    @property
    def is_checkout(self) -> bool:
        """Whether `plan` is what a person is editing here. Otherwise it is the protected branch's, and the releases that
        run come first: what a pushed commit says counts nowhere."""

    def plan(self) -> Plan:
        """The plan for what no release covers. PlanError if there is none, RepositoryError if it can't be read."""

    def clone(self) -> Path:
        """The folder of a git repository that has the app's pushed commits. RepositoryError if there is none."""
