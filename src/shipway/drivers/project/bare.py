"""A bare repository that is pushed to: the plan is the one of its protected branch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from shipway.domain.errors import PlanError
from shipway.domain.plan import PLAN_FILE, Plan
from shipway.domain.value import dataclass
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
    file: str = ""  # path of the plan in the repository, if the user gave one

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
        app, branch, file = self._registered
        found = plan_of(self.repository, f"refs/heads/{branch}" if branch else "HEAD", self.parse, file)
        if found is None:
            raise PlanError(
                f"{branch or 'HEAD'} of {self.repository.path} has no {file}",
                hint=f"push one to {branch}" if branch else "push a plan first: `shipway init` writes one",
            )
        if app and found.app != app:
            raise PlanError(f"{branch} of {self.repository.path} has `app: {found.app}`, but {app} is registered here")
        return found

    def clone(self) -> Path:
        """Itself."""
        return self.repository.path

    @cached_property
    def _registered(self) -> tuple[str, str, str]:
        """App, protected branch and plan file of the newest registration; app and branch are empty without one. PlanError
        if there are several apps, and the user named no plan."""
        here = identity(own_address(self.repository))
        found = [
            made
            for made in map(self.ledger.registration, self.ledger.apps())
            if made is not None and here in map(identity, made.addresses) and self.file in ("", made.plan)
        ]
        if len({made.plan for made in found}) > 1:
            listed = "\n".join(f"  {made.plan} ({made.app})" for made in found)
            raise PlanError(f"this repository has several apps:\n{listed}", hint="pass --app NAME, or --plan PATH")
        newest = max(found, key=lambda made: made.at, default=None)
        return (newest.app, newest.branch, newest.plan) if newest else ("", "", self.file or PLAN_FILE)


def plan_of(repository: Repository, revision: str, parse: ParsePlan, file: str = PLAN_FILE) -> Plan | None:
    """The plan of a revision, at that path; None if it has none. PlanError if it is not valid."""
    text = repository.show(revision, file)
    return None if text is None else parse(text, file, lambda path: True)
