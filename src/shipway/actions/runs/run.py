"""One run: from a commit and a trigger to a passed pipeline, a release, and a deployment if the plan has one."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable

from shipway.actions.deployments.admission import (
    admitted,
    after_of,
    is_unpushed,
    refusal,
    refused_before,
    sources,
    superseded_by,
)
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.waits import mark_of
from shipway.actions.environment.caches import prune_caches_daily
from shipway.actions.environment.observe import require_secrets
from shipway.actions.environment.ownership import require_owned_everywhere
from shipway.actions.environment.recording import recorded
from shipway.actions.projects.in_force import Rulebook
from shipway.actions.projects.renamed import refuse_renamed
from shipway.actions.provenance.sign import complete
from shipway.actions.runs.config_files import config_files
from shipway.actions.runs.release import make_release
from shipway.actions.runs.resume import open_run
from shipway.actions.runs.scheduler import only_step, run_steps, steps_of
from shipway.actions.runs.waiting import leave, take_up
from shipway.context import Context
from shipway.domain import rights
from shipway.domain.count import counted
from shipway.domain.errors import DeploymentWaits, GateRefused, RepositoryError, SecretError
from shipway.domain.event import RUN, Subject
from shipway.domain.gate import refused_hotfix
from shipway.domain.plan import Plan
from shipway.domain.preview import is_reserved
from shipway.domain.refs import HEADS, fits
from shipway.domain.registry_access import RegistryAccess
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, Commit, Deployment, Release, Trigger
from shipway.domain.rules import InForce, side_by_side, trigger_text
from shipway.domain.value import dataclass
from shipway.ports import Registry
from shipway.steps.resume import scratch
from shipway.steps.run import Run, level_of
from shipway.steps.sbom import finish_scans
from shipway.system.git import Repository
from shipway.system.parallel import in_background


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    number: int | None  # None if no pipeline was needed
    release: Release | None
    environment: str | None
    deployment: Deployment | None


def run(
    ctx: Context,
    repository: Repository,
    commit: Commit,
    plan: Plan,
    trigger: Trigger,
    *,
    rules: Callable[[], Rulebook],
    wait: float,
    only: str | None = None,
    debug: bool = False,
    caches: bool = True,
    target: str | None = None,
    may: Callable[[str, InForce], None] | None = None,
    person: str = "",
    token: int = 0,
) -> Outcome:
    """Run it. Errors are raised after the run is finalized in the ledger and everything is cleaned up. rules: reads the
    app's rules in force, see `read_rules`. only: this step and those that it needs; nothing is deployed. debug: if
    that step fails, its container stays for a shell until the run is cancelled. caches: whether steps use what earlier
    runs cached. target: the only environment that may be deployed; nothing runs if the rules deploy another one.
    may: raises an error if whoever asks may not deploy the app there. person: who that is, if a server has proven it, and
    the number of their token: may they still, when a deployment that waited goes out? DeploymentWaits if only people or time are
    missing: then the deployment is recorded as one that waits."""
    if only is not None:
        readable = _readable(ctx, rules)
        ran, _ = _pipeline(ctx, repository, commit, plan, trigger, None, readable, only, debug=debug, caches=caches)
        return Outcome(ran, None, None, None)
    book, in_force = _asked(ctx, plan, trigger, rules)
    tagged = trigger.ref.startswith("refs/tags/")
    if book is None or in_force is None:
        if tagged:
            ctx.reporter.note(f"the tag {trigger.ref.removeprefix('refs/tags/')} deploys no environment")
            return Outcome(None, None, None, None)
        return Outcome(
            _pipeline(ctx, repository, commit, plan, trigger, None, book, caches=caches)[0], None, None, None
        )
    name, number = in_force.environment, None
    if target not in (None, name):
        ctx.reporter.note(f"{trigger.ref} deploys {in_force.called}, not {target}: nothing runs")
        return Outcome(None, None, None, None)
    if may is not None:
        may(plan.app, in_force)
    if not after_of(in_force):
        if is_unpushed(book, commit):  # the checks are allowed; then it is rejected
            _pipeline(ctx, repository, commit, plan, trigger, None, book, caches=caches)
        number = build(ctx, repository, commit, plan, trigger, in_force, book, caches=caches)
        book = rules()  # they may have changed meanwhile
        in_force = book.of(ctx, name)
    try:
        order = admitted(ctx, commit, plan.app, book, in_force, trigger.ref)
        is_superseded = superseded_by(book, in_force, commit, trigger.ref, plan.app)
        done = deploy(ctx, dataclasses.replace(order, wait=wait, superseded=is_superseded))
    except DeploymentWaits as error:
        waiting, told = leave(ctx, error, commit, book, in_force, trigger, (person, token))
        if waiting is None or mark_of(ctx, waiting) == waiting.seen:
            raise told from None
        # Decided in this moment: whoever did it found nothing that waited.
        done = take_up(ctx, plan.app, name, lambda release, revision: (repository, rules()))
        if done is None:
            raise told from None
        return Outcome(number, ctx.ledger.release(plan.app, done.release), name, done)
    return Outcome(number, order.release, name, done)


def build(
    ctx: Context,
    repository: Repository,
    commit: Commit,
    plan: Plan,
    trigger: Trigger,
    in_force: InForce,
    book: Rulebook,
    *,
    caches: bool = True,
) -> int:
    """Run the pipeline to a release for an environment, and deploy nothing. Returns the run's number. GateRefused before it
    if the environment would reject the release."""
    name = in_force.environment
    targets = dict.fromkeys(step.prove for step in plan.pipeline.values() if step.prove and step.prove != name)
    refused_before(book, in_force, commit, plan, trigger.ref, [book.of(ctx, target) for target in targets])
    refuse_renamed(ctx, plan, name)
    require_owned_everywhere(ctx, plan.app, plan.environments[name])
    require_secrets(ctx, plan, plan.environments[name], fetched_later=True)
    return _pipeline(ctx, repository, commit, plan, trigger, name, book, caches=caches)[0]


def build_hotfix(
    ctx: Context, repository: Repository, commit: Commit, plan: Plan, ref: str, in_force: InForce, book: Rulebook
) -> int:
    """Run the pipeline to a release that skips the environment where releases are validated. GateRefused before it if that
    isn't allowed."""
    reasons = refused_hotfix(in_force)
    if reasons:
        raise refusal(commit, in_force, reasons, plan, ref)
    return build(ctx, repository, commit, plan, Trigger("manual", ref, ctx.actor), in_force, book)


def run_outside(
    ctx: Context, repository: Repository, commit: Commit, plan: Plan, trigger: Trigger, book: Rulebook
) -> int:
    """Run the checks of a commit that is in no branch of the app's repository. It deploys nothing, gets no secrets and no
    credentials of a registry, and leaves nothing that other runs read. Returns the run's number."""
    plan = dataclasses.replace(plan, registry=None)
    return _pipeline(ctx, repository, commit, plan, trigger, None, book, outside=True)[0]


def _readable(ctx: Context, rules: Callable[[], Rulebook]) -> Rulebook | None:
    """The rules; None if they can't be read, which is reported."""
    try:
        return rules()
    except RepositoryError as error:
        ctx.reporter.note(f"checks only: {error.message}")
        return None


def _asked(
    ctx: Context, plan: Plan, trigger: Trigger, rules: Callable[[], Rulebook]
) -> tuple[Rulebook | None, InForce | None]:
    """The rules, if they can be read, and what they deploy for this trigger; None: nothing, which is reported if the
    commit's own plan would."""
    own = [name for name, environment in plan.environments.items() if fits(environment.trigger, trigger.ref)]
    try:
        book = rules()
        found = book.triggered(ctx, plan, trigger.ref)
    except RepositoryError as error:
        if own or trigger.ref.startswith("refs/tags/"):
            raise
        ctx.reporter.note(f"checks only: {error.message}")
        return None, None
    if found is None and own:
        ctx.reporter.note(not_in_force(book.of(ctx, own[0]), plan, trigger.ref))
    elif found is None and plan.environments and trigger.ref.startswith(HEADS):
        ctx.reporter.note(what_deploys(plan, trigger.ref))
    if found is None:
        return book, None
    ctx.reporter.note(f"{ctx.names.shown(plan.app, found.environment)}: rules of {sources(found)}")
    return book, found


def what_deploys(plan: Plan, ref: str) -> str:
    """Message for a branch that deploys nothing."""
    listed = ", ".join(
        f"{name} ({trigger_text(environment.trigger)})" for name, environment in plan.environments.items()
    )
    return f"{ref.removeprefix(HEADS)} deploys no environment; triggers: {listed}"


def not_in_force(in_force: InForce, plan: Plan, ref: str) -> str:
    """Message that the commit's own plan doesn't decide what the commit may do."""
    name = in_force.environment
    table = side_by_side([("this commit", plan), *((item.source, item.plan) for item in in_force.sets)], name)
    return (
        f"{ref} deploys nothing: this commit's plan would deploy {name}, but the rules in force don't\n{table}\n"
        f"change the plan on the protected branch first, or: shipway rules accept {name} --reason TEXT"
    )  # fmt: skip


def _require_rights(plan: Plan, book: Rulebook | None) -> None:
    """GateRefused if a step requests more than the protected plan grants."""
    if asked := rights.of_steps(plan, book.plan if book else None):
        source = f"the plan of {book.source}" if book else "a readable protected plan"
        listed = "\n".join(f"  {text}" for text in asked)
        raise GateRefused(
            f"steps request privileges that {source} doesn't grant:\n{listed}",
            hint="change the plan on the protected branch first",
        )


def _is_in(book: Rulebook, commit: Commit) -> bool:
    """Whether the commit is in the app's repository: results of other commits' steps count on their own branch only."""
    try:
        return book.origin.has(commit.revision)
    except RepositoryError:
        return False


def _level(book: Rulebook | None, plan: Plan, commit: Commit, environment: str | None) -> str:
    """The run's level of trust. Only asks whether the commit is on the protected branch if something depends on it."""
    if book is None or not rights.depends_on_level(plan):
        return level_of(environment, protected=False)
    try:
        protected = book.origin.was_tip(book.registration.branch, commit.revision)
    except RepositoryError:
        protected = False
    return level_of(environment, protected=protected)


def _registry(ctx: Context, plan: Plan, environment: str | None) -> Registry:
    """The plan's registry. SecretError if its credentials aren't set for its address; a run of checks alone, such as that of
    a pull request, goes on without them."""
    try:
        return ctx.registry(plan)
    except SecretError as error:
        if environment is not None or plan.registry is None:
            raise
        ctx.reporter.note(f"checks only, without the registry's credentials: {error.message}")
        return ctx.registry(dataclasses.replace(plan, registry=RegistryAccess(plan.registry.address)))


def _pipeline(
    ctx: Context,
    repository: Repository,
    commit: Commit,
    plan: Plan,
    trigger: Trigger,
    environment: str | None,
    book: Rulebook | None,
    only: str | None = None,
    *,
    debug: bool = False,
    caches: bool = True,
    outside: bool = False,
) -> tuple[int, Release | None]:
    _require_rights(plan, book)
    steps = only_step(plan, only) if only else steps_of(plan, images=environment is not None)
    counts = book is not None and not outside and _is_in(book, commit)
    reachable = in_background(ctx.runtime.ping)
    registry = _registry(ctx, plan, environment)
    repository.refuse_incomplete(commit.revision)
    config_files(repository, commit.revision, plan)  # raises here if one is missing
    reachable.result()
    with (
        open_run(ctx, commit, plan.app, trigger) as (opened, number, resumed),
        recorded(opened, Subject(RUN, plan.app, number), lines=False) as own,
    ):
        where = (
            f"only {only}"
            if only
            else f"for {ctx.names.shown(plan.app, environment)}"
            if environment
            else "checks only"
        )
        own.reporter.heading(
            f"run {number}  {ctx.names.shown(plan.app)} {commit.revision[:12]} {commit.subject!r}, {where}"
        )
        folder = scratch(ctx.home, number)
        outcome, at = FAILED, None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            level = (
                None if environment and is_reserved(environment) else environment
            )  # no one has reviewed a preview's commit
            at = Run(
                own, repository, commit, plan, number, folder, registry, commit.revision[:12], trigger.ref,
                level=_level(None if outside else book, plan, commit, level), caches=caches, counts=counts, outside=outside,
                debug=only if only and debug else "",
            )  # fmt: skip
            results = run_steps(at, steps, resumed)
            release = make_release(at, results) if environment else None
            if release:
                finish_scans(at)
                complete(own, release)
            outcome = SUCCEEDED
        except BaseException:
            outcome = CANCELLED if ctx.cancelled.is_set() else FAILED
            raise
        finally:
            try:
                if at:
                    finish_scans(at)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                prune_caches_daily(own, plan.app)
                own.ledger.end_run(number, outcome, ctx.clock())
    if release:
        ctx.reporter.note(
            f"release {release.number} of {ctx.names.shown(plan.app)}: {counted(len(set(release.images.values())), 'image')}, schema {release.schema or 'none'}"
        )
    return number, release
