"""A bare repository that is pushed to: the plan is the one of its protected branch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shipway.domain.errors import PlanError
from shipway.domain.plan import PLAN_FILE, Plan
from shipway.ports import Ledger
from shipway.system.addresses import identity, own_address
from shipway.system.git import Repository

ParsePlan = Callable[[str, str, Callable[[str], bool]], Plan]


@dataclass(frozen=True)
class BareRepository:
    """Implements ports.ProjectSource."""

    repository: Repository
    ledger: Ledger
    parse: ParsePlan

    @property
    def name(self) -> str:
        """The app that is registered for this repository; without a registration, the one of its plan."""
        return self._registered[0] or self.plan().app

    @property
    def is_checkout(self) -> bool:
        """It isn't."""
        return False

    def plan(self) -> Plan:
        """The plan of the protected branch; without a registration, of HEAD."""
        app, branch = self._registered
        found = plan_of(self.repository, f"refs/heads/{branch}" if branch else "HEAD", self.parse)
        if found is None:
            raise PlanError(
                f"{branch or 'HEAD'} of {self.repository.path} has no {PLAN_FILE}",
                hint=f"push one to {branch}" if branch else "push a plan first: `shipway init` writes one",
            )
        if app and found.app != app:
            raise PlanError(f"{branch} of {self.repository.path} has `app: {found.app}`, but {app} is registered here")
        return found

    def clone(self) -> Path:
        """Itself."""
        return self.repository.path

    @cached_property
    def _registered(self) -> tuple[str, str]:
        """App and protected branch of the newest registration; empty without one."""
        here = identity(own_address(self.repository))
        found = [
            made
            for made in map(self.ledger.registration, self.ledger.apps())
            if made is not None and here in map(identity, made.addresses)
        ]
        newest = max(found, key=lambda made: made.at, default=None)
        return (newest.app, newest.branch) if newest else ("", "")


def plan_of(repository: Repository, revision: str, parse: ParsePlan) -> Plan | None:
    """The plan of a revision; None if it has none. PlanError if it is not valid."""
    text = repository.show(revision, PLAN_FILE)
    return None if text is None else parse(text, PLAN_FILE, lambda path: True)
