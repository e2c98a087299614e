"""Which release may go into an environment: the rules, all reasons together."""

from __future__ import annotations

from shipway.actions.decide import Order
from shipway.context import Context
from shipway.domain import gate
from shipway.domain.errors import GateRefused
from shipway.domain.plan import Environment
from shipway.domain.release import Commit, Release
from shipway.system.git import Repository


def admitted(ctx: Context, repository: Repository, commit: Commit, app: str, environment: Environment) -> Order:
    """The order to deploy what the commit holds. GateRefused lists every reason against it.

    The release is found by the commit's tree: a merge commit with the very tree that was validated is that release.
    """
    candidate = gate.Candidate(
        commit.revision, tuple(repository.tags_at(commit.revision)), tuple(repository.branches_containing(commit.revision))
    )
    reasons = gate.refused_source(environment, candidate)
    release, problem = _release(ctx, commit, app, environment)
    if release is None:
        reasons.append(problem)
    else:
        approvals = ctx.ledger.approvals(app, environment.name, release.number)
        reasons += gate.refused_approvals(environment, release, approvals, ctx.clock())
    if reasons or release is None:
        listed = "\n".join(f"  - {reason}" for reason in reasons)
        raise GateRefused(f"{environment.name} refuses {commit.revision[:12]}:\n{listed}", hint=_hint(environment, reasons))
    version = gate.version_tag(environment, candidate)
    return Order(release, environment, version=version, reason=f"{version or commit.revision[:12]}: {commit.subject}")


def _release(ctx: Context, commit: Commit, app: str, environment: Environment) -> tuple[Release | None, str]:
    found = ctx.ledger.releases(app, tree=commit.tree)
    if not found:
        return None, f"no release was built from the tree of {commit.revision[:12]}; `shipway run` builds one"
    if environment.after is None:
        return found[0], ""
    deployments = ctx.ledger.deployments(app, environment.after, limit=1000)
    for release in found:
        if gate.validated(release, deployments, environment.after):
            return release, ""
    return None, f"release {found[0].number} has this tree but was not validated on {environment.after}"


def _hint(environment: Environment, reasons: list[str]) -> str:
    if any("approval" in reason for reason in reasons):
        return f"somebody may say: shipway approve {environment.name}"
    return ""
