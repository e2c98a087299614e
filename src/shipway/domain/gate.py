"""The release rules: may this release go into this environment now? All reasons are given together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from shipway.domain.plan import Environment
from shipway.domain.release import SUCCEEDED, Approval, Deployment, Release


@dataclass(frozen=True)
class Candidate:
    """What the repository says of the revision that is to be deployed."""

    revision: str
    tags: tuple[str, ...]
    branches: tuple[str, ...]  # that contain it


def refused_source(environment: Environment, candidate: Candidate) -> list[str]:
    """Reasons that lie in where the revision comes from."""
    trigger, short = environment.trigger, candidate.revision[:12]
    reasons = []
    if trigger.tag and not version_tag(environment, candidate):
        has = f"its tags are {', '.join(candidate.tags)}" if candidate.tags else "it has no tag"
        reasons.append(f"{environment.name} takes only revisions with a tag like {trigger.tag!r}; {short}: {has}")
    if trigger.branch and trigger.branch not in candidate.branches:
        on = f"it is on {', '.join(candidate.branches)}" if candidate.branches else "it is on no branch"
        reasons.append(f"{environment.name} takes only revisions on branch {trigger.branch!r}; {short}: {on}")
    return reasons


def version_tag(environment: Environment, candidate: Candidate) -> str | None:
    """The tag that makes the candidate a version of this environment."""
    pattern = environment.trigger.tag
    return next((tag for tag in candidate.tags if pattern and fnmatchcase(tag, pattern)), None)


def validated(release: Release, deployments: Sequence[Deployment], after: str) -> bool:
    """Whether this very release was deployed to the environment before, with its checks."""
    return any(
        deployment.environment == after and deployment.release == release.number and deployment.outcome == SUCCEEDED
        for deployment in deployments
    )


def refused_approvals(
    environment: Environment, release: Release, approvals: Sequence[Approval], now: float
) -> list[str]:
    """Reasons that lie in missing, expired or not admitted approvals."""
    rule = environment.approvals
    if not rule.count:
        return []
    notes: list[str] = []
    counted: set[str] = set()
    for approval in approvals:
        if approval.digest != release.digest:
            notes.append(f"{approval.actor} approved other digests")
        elif rule.expire is not None and approval.at + rule.expire < now:
            notes.append(f"the approval of {approval.actor} has expired")
        elif rule.not_author and approval.actor.lower() in {author.lower() for author in release.authors}:
            notes.append(f"{approval.actor} is an author of it and does not count")
        else:
            counted.add(approval.actor.lower())
    if len(counted) >= rule.count:
        return []
    who = " by someone other than its authors" if rule.not_author else ""
    noted = f" ({'; '.join(notes)})" if notes else ""
    return [f"release {release.number} needs {rule.count} approval(s){who} and has {len(counted)}{noted}"]


def may_approve(environment: Environment, release: Release, actor: str) -> str | None:
    """Why this person may not approve; None where they may."""
    if environment.approvals.not_author and actor.lower() in {author.lower() for author in release.authors}:
        return f"{actor} is an author of release {release.number}; the plan asks for somebody else (`not: author`)"
    return None
