"""An app of the ledger, without a checkout: an operator's machine, or any folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from shipway.domain.errors import PlanError, RepositoryError
from shipway.domain.plan import Plan
from shipway.domain.registration import STAND_IN
from shipway.domain.value import dataclass
from shipway.drivers.project.bare import ParsePlan, plan_of
from shipway.ports import Ledger
from shipway.system.addresses import is_path
from shipway.system.git import Repository
from shipway.system.mirror import mirror


@dataclass(frozen=True)
class LedgerProject:
    """Implements ports.ProjectSource. The commits are those of the registered repository: on this machine its own folder,
    otherwise a mirror in the home folder, which is fetched on first use."""

    app: str
    ledger: Ledger
    home: Path
    parse: ParsePlan
    note: Callable[[str], None] = lambda text: None

    @property
    def name(self) -> str:
        """As given by the user."""
        return self.app

    @property
    def is_checkout(self) -> bool:
        """It isn't."""
        return False

    def plan(self) -> Plan:
        """The protected branch's plan; if the repository is unreachable or has none, the plan that stands in for it, or
        that of the newest release that runs somewhere, which is noted."""
        registration, problem = self.ledger.registration(self.app), ""
        if registration is not None:
            try:
                branch = f"refs/heads/{registration.branch}"
                found = plan_of(Repository(self.clone()), branch, self.parse, registration.plan)
                if found is not None and found.app == self.app:
                    return found
                problem = f"{registration.branch} of {registration.address} has no plan of {self.app}"
            except (RepositoryError, PlanError) as error:
                problem = error.message
        accepted = [item for item in self.ledger.accepted_rules(self.app, STAND_IN)[-1:] if not item.replaces]
        running = (self.ledger.current(self.app, name) for name in self.ledger.environments(self.app))
        newest = max((item.release for item in running if item is not None), default=0)
        release = self.ledger.release(self.app, newest) if newest else None
        found = accepted[-1].plan if accepted else release.plan if release else None
        if found is None:
            raise PlanError(
                f"the ledger has no plan of {self.app}" + (f": {problem}" if problem else ""),
                hint="`shipway apps` lists the apps of the ledger",
            )
        if problem:
            source = "the first plan" if accepted else f"the plan of release {newest}"
            self.note(f"{source} is used: {problem}")
        return found

    def clone(self) -> Path:
        """The registered repository, or its mirror with all current branches and tags."""
        return self._clone

    @cached_property
    def _clone(self) -> Path:
        registration = self.ledger.registration(self.app)
        if registration is None:
            raise RepositoryError(
                f"the ledger knows no repository of {self.app}",
                hint="`shipway run` or `shipway rules register` in a clone registers it",
            )
        for address in registration.addresses:
            if is_path(address) and Path(address).is_dir():
                return Repository.find(Path(address)).path
        remote = next((item for item in registration.addresses if not is_path(item)), None)
        if remote is None:
            raise RepositoryError(
                f"the repository of {self.app} is not on this machine: {registration.address}",
                hint="run the command on the machine that has it, or in a clone",
            )
        return mirror(self.home, remote)
