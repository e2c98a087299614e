"""The release rules: may this release be deployed to this environment now? Reports all reasons together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipway.domain.plan import Environment, Plan
from shipway.domain.refs import is_version, newest, on_branch
from shipway.domain.release import SUCCEEDED, Deployment, Release
from shipway.domain.rules import InForce, RuleSet, database_text, tags_text
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Candidate:
    """What the recorded repository reports about the revision to deploy."""

    revision: str
    tags: tuple[str, ...]  # tags that point to it
    branches: tuple[str, ...]  # branches that contain it
    tag: str | None = None  # the pushed tag, or the one given by the user

    def version(self, environment: Environment) -> str | None:
        """Return the tag that makes it a version for this environment: the pushed one, else the newest."""
        matching = [tag for tag in self.tags if is_version(environment.trigger, tag)]
        return self.tag if self.tag in matching else newest(matching)


def refused_source(environment: Environment, candidate: Candidate) -> list[str]:
    """Reasons for rejection that concern the revision's branch or tag."""
    trigger, short = environment.trigger, candidate.revision[:12]
    reasons = []
    if trigger.tag and not candidate.version(environment):
        has = f"has the tags {', '.join(candidate.tags)}" if candidate.tags else "has no tag"
        reasons.append(f"{environment.name} accepts only revisions with a tag like {tags_text(trigger)}; {short} {has}")
    if trigger.branches and not any(on_branch(trigger, branch) for branch in candidate.branches):
        on = f"is on {', '.join(candidate.branches)}" if candidate.branches else "is on no branch"
        names = " or ".join(map(repr, trigger.branches))
        reasons.append(f"{environment.name} accepts only revisions on branch {names}; {short} {on}")
    return reasons


def refused_rules(in_force: InForce) -> list[str]:
    """Reasons for rejection that concern rules which no revision can meet."""
    reasons = []
    for item in in_force.sets:
        if item.plan is None:
            reasons.append(f"there are no rules for {in_force.environment}: {item.problem}")
        elif item.rules is None:
            reasons.append(f"{item.source} has no environment {in_force.environment}")
    return reasons


def refused_proof(plan: Plan, in_force: InForce) -> list[str]:
    """Rules that require a rollback proof fix the proven database: removing it or changing its migration tool would
    make the proof meaningless."""
    own = plan.database

    def lacking(item: RuleSet, environment: Environment) -> list[str]:
        if item.plan is None or item.plan.database is None or not item.plan.asks_for_proof(environment):
            return []
        name = item.plan.database.accessory
        if own is not None and own.accessory == name:
            return []
        has = f"the database of this plan is {own.accessory!r}" if own else "this plan has no `database`"
        return [f"{environment.name} accepts only releases with a rollback proof on the database {name!r}, but {has}"]

    reasons = told_apart(in_force, lacking)
    asking = any(item.plan and item.plan.asks_for_proof(environment) for item, environment in in_force.environments)
    known = [database_text(item.plan.database) for item, _ in in_force.environments if item.plan and item.plan.database]
    if asking and own and not reasons and database_text(own) not in known:
        reasons.append(f"database {database_text(own)}: not in the rules in force")
    return reasons


def told_apart(in_force: InForce, refused: Callable[[RuleSet, Environment], list[str]]) -> list[str]:
    """Reasons for rejection by each rule set in force; a reason that not all sets give names its set."""
    found = [(item, refused(item, environment)) for item, environment in in_force.environments]
    reasons = dict.fromkeys(reason for _, listed in found for reason in listed)
    return [
        reason if all(reason in listed for _, listed in found) else f"{reason} (a rule of {_those(reason, found)})"
        for reason in reasons
    ]


def _those(reason: str, found: Sequence[tuple[RuleSet, list[str]]]) -> str:
    return " and ".join(item.source for item, listed in found if reason in listed)


def refused_hotfix(in_force: InForce) -> list[str]:
    """Reasons against a release that skips the environment where releases are validated."""

    def refused(item: RuleSet, environment: Environment) -> list[str]:
        if environment.hotfix.approvals:
            return []
        return [f"{environment.name} allows no hotfix: the plan has no `hotfix` there"]

    return told_apart(in_force, refused)


def validated(release: Release, deployments: Sequence[Deployment], after: str) -> bool:
    """Whether exactly this release was deployed to that environment before and passed its checks."""
    return any(
        deployment.environment == after and deployment.release == release.number and deployment.outcome == SUCCEEDED
        for deployment in deployments
    )
