"""To which repository an app is bound, and the rules that a person has put in the place of others."""

from __future__ import annotations

from dataclasses import dataclass

from shipway.domain.plan import Plan

STAND_IN = ""  # in place of an environment's name: the whole plan stands in for the one that the protected branch lacks


@dataclass(frozen=True)
class Registration:
    """Binds an app to one repository and one plan file there. A later registration replaces an earlier one."""

    app: str
    address: str  # of the repository, without credentials; an absolute path where it lies on this machine
    plan: str  # path of the plan file in the repository, such as shipway.yaml
    branch: str  # the protected branch, whose plan has the rules in force
    baseline: str  # the newest commit before the app was deployed with Shipway; "": all commits of the history come after it
    actor: str
    at: float
    path: str = ""  # of the bare repository on its own machine, whose hook runs there; "": it is the address, or there is none
    reason: str = ""  # why a person changed what was registered before

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that mean the repository."""
        return (self.address, self.path) if self.path else (self.address,)


@dataclass(frozen=True)
class AcceptedRules:
    """The rules of one plan for one environment, put by a person in the place of rules that can't be met."""

    app: str
    environment: str  # or STAND_IN
    plan: Plan
    replaces: tuple[str, ...]  # marks of the rules in whose place they are, see domain.rules.RuleSet.mark
    actor: str
    reason: str
    at: float
