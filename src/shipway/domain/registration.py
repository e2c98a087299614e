"""The repository that an app is bound to, and accepted rules that replace others."""

from __future__ import annotations

from shipway.domain.plan import Plan
from shipway.domain.value import dataclass

STAND_IN = ""  # instead of an environment's name: the whole plan substitutes the protected branch's missing one


@dataclass(frozen=True)
class Registration:
    """Binds an app to one repository and the plan file in it. A later registration replaces an earlier one."""

    app: str
    address: str  # of the repository, without credentials; an absolute path if it is on this machine
    plan: str  # path of the plan file in the repository, such as shipway.yaml
    branch: str  # the protected branch, whose plan defines the rules in force
    baseline: str  # the newest commit before Shipway was introduced; "": the whole history is newer
    actor: str
    at: float
    path: str = ""  # of the bare repository on its own machine, whose hook runs there; "": same as address, or none
    reason: str = ""  # why the previous registration was changed

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses of the repository."""
        return (self.address, self.path) if self.path else (self.address,)


@dataclass(frozen=True)
class AcceptedRules:
    """Rules of one plan for one environment that a user put in force in place of unsatisfiable rules."""

    app: str
    environment: str  # or STAND_IN
    plan: Plan
    replaces: tuple[str, ...]  # marks of the replaced rules, see domain.rules.RuleSet.mark
    actor: str
    reason: str
    at: float
