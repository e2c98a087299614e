"""Adopt another ledger's objects on the engines, or a ledger copied from another machine: list first, then adopt."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping

from shipway.actions.environment.jobs import head_revision
from shipway.actions.environment.observe import needed, settings
from shipway.actions.environment.ownership import MACHINE, Ownership
from shipway.actions.projects.plans import ParsePlan, of_plan, plan_at
from shipway.actions.runs.config_files import config_files
from shipway.context import Context
from shipway.domain import names
from shipway.domain.adjustments import Adjustments, planned
from shipway.domain.container import (
    LABEL_APP,
    LABEL_ENVIRONMENT,
    LABEL_NAME,
    LABEL_RELEASE,
    LABEL_RESTART,
    LABEL_ROLE,
    EngineObject,
)
from shipway.domain.errors import PlanError, RepositoryError
from shipway.domain.image import by_digest
from shipway.domain.ownership import owner
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import DEPLOY, SUCCEEDED, Commit, Deployment, Release
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Serving:
    """What the serving release's containers show of it."""

    number: int
    revision: str
    images: Mapping[str, str]  # service: image id
    variables: Mapping[str, str]  # of all its services, merged
    restarts: Mapping[str, int]  # by service, since its deployment
    replicas: Mapping[str, int]  # by service: containers that run on the first host


@dataclass(frozen=True)
class Survey:
    """Objects of one environment that aren't this ledger's, by host, and what happens to the serving release."""

    environment: Environment
    objects: Mapping[str, tuple[EngineObject, ...]]
    serving: Serving | None
    commit: Commit | None  # of the release to rebuild; None: the ledger knows it, or it is lost
    lost: tuple[str, ...]  # messages


def survey(ctx: Context, plan: Plan, environment: Environment, parse: ParsePlan, *, moved: bool = False) -> Survey:
    """Inspect without changes. moved: the ledger comes from another machine, so objects with its identity count too."""
    found: dict[str, tuple[EngineObject, ...]] = {}
    for host in environment.hosts:
        here = ctx.on(host.name)
        things = here.runtime.objects({LABEL_APP: plan.app, LABEL_ENVIRONMENT: environment.name})
        own, others = Ownership.of(here).sort(things)
        found[host.name] = (*others, *(item for item in own if moved and owner(item)))
    serving = _serving(ctx.on(environment.hosts[0].name), plan.app, environment, found[environment.hosts[0].name])
    commit, lost = _commit_of(ctx, plan, serving, parse)
    return Survey(environment, found, serving, commit, lost)


def describe(survey: Survey) -> list[str]:
    """Messages, one per line."""
    name = survey.environment.name
    lines = [
        f"{name}: adopts {item.kind} {item.name} on {host}, {f'of ledger {owner(item)[:8]}' if owner(item) else 'without a ledger label'}"
        for host, items in survey.objects.items() for item in sorted(items, key=lambda item: (item.kind, item.name))
    ]  # fmt: skip
    if survey.commit is not None and survey.serving is not None:
        lines.append(
            f"{name}: rebuilds release {survey.serving.number} from its labels and commit {survey.commit.revision[:12]}"
        )
    return lines + [f"{name}: not recoverable: {text}" for text in survey.lost]


def adopt(ctx: Context, plan: Plan, survey: Survey, parse: ParsePlan) -> None:
    """Adopt it: recorded by id, since labels are set when a container is next recreated."""
    for host, items in survey.objects.items():
        Ownership.of(ctx.on(host)).adopt(items)
    serving, environment = survey.serving, survey.environment
    if serving is None:
        return
    release = ctx.ledger.release(plan.app, serving.number)
    if survey.commit is not None:
        repository = ctx.repository()
        own = plan_at(repository, survey.commit, parse, plan.file)
        release = _rebuilt(ctx, own, of_plan(repository, survey.commit, own), serving)
    now = ctx.ledger.current(plan.app, environment.name)
    if release is None or release.revision != serving.revision or (now is not None and now.release == release.number):
        return
    _take_secrets(ctx, release, environment, serving)
    _record(
        ctx,
        release,
        environment,
        serving,
        sorted({owner(item)[:8] for items in survey.objects.values() for item in items if owner(item)}),
    )


def take_ledger(ctx: Context, machine: str) -> None:
    """Give a ledger copied from another machine its own identity: otherwise both would change the same environments
    unnoticed."""
    ctx.ledger.replace_property("identity", secrets.token_hex(16))
    ctx.ledger.replace_property(MACHINE, machine)


def _serving(ctx: Context, app: str, environment: Environment, taken: tuple[EngineObject, ...]) -> Serving | None:
    table = ctx.edge.routes(names.route_owner(app, environment.name))
    services = [item for item in taken if item.kind == "container" and item.labels.get(LABEL_ROLE) == "service"]
    infos = {item.id: ctx.runtime.find(item.id) for item in services}
    running = [item for item in services if (info := infos[item.id]) is not None and info.running]
    numbers = {int(item.labels[LABEL_RELEASE]) for item in running if item.labels.get(LABEL_RELEASE, "").isdigit()}
    routed = (table or {}).get("release")
    number = routed if isinstance(routed, int) and routed in numbers else max(numbers, default=None)
    if number is None:
        return None
    of = [item for item in running if item.labels[LABEL_RELEASE] == str(number)]
    variables = {name: value for item in of for name, value in ctx.runtime.variables(item.id).items()}
    images = {item.labels[LABEL_NAME]: info.image for item in of if (info := infos[item.id]) is not None}
    restarts: dict[str, int] = {}
    for item in of:
        count = int(item.labels.get(LABEL_RESTART, 0))
        restarts[item.labels[LABEL_NAME]] = max(count, restarts.get(item.labels[LABEL_NAME], 0))
    newest = [
        item.labels[LABEL_NAME]
        for item in of
        if int(item.labels.get(LABEL_RESTART, 0)) == restarts[item.labels[LABEL_NAME]]
    ]
    return Serving(
        number, variables.get("SHIPWAY_REVISION", ""), images, variables,
        {name: count for name, count in restarts.items() if count}, Counter(newest),
    )  # fmt: skip


def _commit_of(
    ctx: Context, plan: Plan, serving: Serving | None, parse: ParsePlan
) -> tuple[Commit | None, tuple[str, ...]]:
    """The commit of a release to rebuild, else None; and what can't be rebuilt."""
    if serving is None:
        return None, ()
    known = ctx.ledger.release(plan.app, serving.number)
    if known is not None and known.revision == serving.revision:
        return None, ()
    after = "no rollback is possible until the next deployment has succeeded"
    if known is not None:
        return None, (
            f"the serving release {serving.number}, since this ledger has another release {serving.number}; {after}",
        )
    try:
        commit = ctx.repository().commit(serving.revision)
        missing = set(plan_at(ctx.repository(), commit, parse, plan.file).services) - set(serving.images)
    except (RepositoryError, PlanError) as error:
        return None, (
            f"the serving release {serving.number}, since its plan can't be read from this clone (git fetch?): {error.message}; {after}",
        )
    if missing:
        return None, (
            f"the serving release {serving.number}, since its {', '.join(sorted(missing))} doesn't run; {after}",
        )
    return commit, ()


def _rebuilt(ctx: Context, plan: Plan, commit: Commit, serving: Serving) -> Release:
    desired = {name: serving.images[name] for name in plan.services if name in serving.images}
    images = {
        name: _digest_of(ctx, image, ctx.registry(plan).repository(plan.app, name)) for name, image in desired.items()
    }
    database = plan.database
    labels = {LABEL_APP: plan.app, LABEL_ROLE: "job", LABEL_NAME: "schema"}
    schema = head_revision(ctx, plan, images, labels) if database and database.service in images else None
    made = Release(
        serving.number,
        plan.app,
        commit.revision,
        commit.tree,
        (commit.author,),
        commit.subject,
        images,
        plan,
        0,
        ctx.clock(),
        schema,
        files=config_files(ctx.repository(), commit.revision, plan),
    )
    return ctx.ledger.restore_release(made)


def _digest_of(ctx: Context, image: str, repository: str) -> str:
    """An image of the engine by its registry digest if known, else by its id."""
    return by_digest(repository, (ctx.images.inspect(image) or {}).get("RepoDigests")) or image


def _take_secrets(ctx: Context, release: Release, environment: Environment, serving: Serving) -> None:
    """Store secret values that the containers have and this ledger lacks. `settings` gets the passwords of
    accessories."""
    scope = names.scope(release.app, environment.name)
    have = ctx.secrets.names(scope)
    for name in needed(release.plan, environment):
        if name not in have and name in serving.variables:
            ctx.secrets.set(scope, name, serving.variables[name])


def _record(ctx: Context, release: Release, environment: Environment, serving: Serving, ledgers: list[str]) -> None:
    """Record the deployment known to the other ledger. More replicas than the plan's were scaled; fewer may have failed."""
    more = {
        name: count for name, count in serving.replicas.items() if count > (planned(release.plan, environment, name) or count)
    }  # fmt: skip
    known = settings(ctx, release, environment)
    reason = f"adopted from ledger {' and '.join(ledgers)}" if ledgers else "adopted"
    record = Deployment(
        0,
        release.app,
        environment.name,
        release.number,
        DEPLOY,
        ctx.actor,
        reason,
        ctx.clock(),
        known.versions,
        fingerprints=known.fingerprints,
        adjustments=Adjustments(more, serving.restarts),
    )
    ctx.ledger.end_deployment(ctx.ledger.begin_deployment(record), SUCCEEDED, ctx.clock(), release.schema, "")
