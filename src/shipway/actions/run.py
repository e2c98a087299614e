"""One run: from a commit and a trigger to a passed pipeline, a release, and a deployment where the plan says so."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from shipway.actions.dead_runs import opened
from shipway.actions.decide import Order
from shipway.actions.deploy import deploy
from shipway.actions.ownership import require_owned_everywhere
from shipway.actions.pipeline import run_steps, steps_of
from shipway.actions.promote import admitted
from shipway.actions.release import make_release
from shipway.context import Context
from shipway.domain.container import LABEL_APP, LABEL_RUN
from shipway.domain.errors import PlanError
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, Commit, Deployment, Release, Trigger
from shipway.steps.run import Run, scratch
from shipway.system.git import Repository

ParsePlan = Callable[[str, str, Callable[[str], bool]], Plan]
PLAN = "shipway.yaml"


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    number: int | None  # None where no pipeline was needed
    release: Release | None
    environment: str | None
    deployment: Deployment | None


def plan_at(repository: Repository, commit: Commit, parse: ParsePlan) -> Plan:
    """The plan as it stands in a commit. PlanError where there is none."""
    text = repository.show(commit.revision, PLAN)
    if text is None:
        raise PlanError(f"there is no {PLAN} in {commit.revision[:12]}", hint="`shipway init` writes one; commit it")
    return parse(text, PLAN, lambda path: repository.exists(commit.revision, path))


def environment_for(plan: Plan, trigger: Trigger) -> Environment | None:
    """The environment that this trigger deploys by itself."""
    for environment in plan.environments.values():
        on = environment.trigger
        if trigger.ref.startswith("refs/tags/") and on.tag and fnmatchcase(trigger.ref.removeprefix("refs/tags/"), on.tag):
            return environment
        if on.branch and not on.tag and trigger.ref == f"refs/heads/{on.branch}":
            return environment
    return None


def run(ctx: Context, repository: Repository, commit: Commit, plan: Plan, trigger: Trigger, *, wait: float) -> Outcome:
    """Run it. Errors are raised when the run has been settled in the ledger and everything is cleaned up."""
    environment = environment_for(plan, trigger)
    if environment:
        require_owned_everywhere(ctx, plan.app, environment)
    if environment and environment.after:
        order = admitted(ctx, repository, commit, plan.app, environment)
        return Outcome(None, order.release, environment.name, deploy(ctx, _waiting(order, wait)))
    tagged = trigger.ref.startswith("refs/tags/")
    if tagged and environment is None:
        ctx.reporter.note(f"no environment is deployed by the tag {trigger.ref.removeprefix('refs/tags/')}")
        return Outcome(None, None, None, None)
    number, release = _pipeline(ctx, repository, commit, plan, trigger, environment)
    if release is None or environment is None:
        return Outcome(number, release, None, None)
    order = admitted(ctx, repository, commit, plan.app, environment)
    return Outcome(number, release, environment.name, deploy(ctx, _waiting(order, wait)))


def _waiting(order: Order, wait: float) -> Order:
    return dataclasses.replace(order, wait=wait)


def _pipeline(
    ctx: Context, repository: Repository, commit: Commit, plan: Plan, trigger: Trigger, environment: Environment | None
) -> tuple[int, Release | None]:
    ctx.runtime.ping()
    registry = ctx.registry(plan)  # refused here where its credentials aren't set for its address
    repository.refuse_incomplete(commit.revision)
    with opened(ctx, commit, plan.app, trigger) as (own, number, left):
        where = f"for {environment.name}" if environment else "checks only"
        ctx.reporter.heading(f"run {number}  {plan.app} {commit.revision[:12]} {commit.subject!r}, {where}")
        folder = scratch(ctx.home, number)
        outcome = FAILED
        try:
            folder.mkdir(parents=True, exist_ok=True)
            at = Run(own, repository, commit, plan, number, folder, registry, commit.revision[:12])
            own.runtime.ensure_network(at.network, {LABEL_APP: plan.app, LABEL_RUN: str(number)})
            results = run_steps(at, steps_of(plan, images=environment is not None), left)
            release = make_release(at, results) if environment else None
            outcome = SUCCEEDED
        except BaseException:
            outcome = CANCELLED if ctx.cancelled.is_set() else FAILED
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            own.ledger.end_run(number, outcome, ctx.clock())
    if release:
        ctx.reporter.note(f"release {release.number} of {plan.app}: {len(set(release.images.values()))} images, schema {release.schema or 'none'}")
    return number, release
