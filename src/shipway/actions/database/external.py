"""External services of an environment: whether they answer, and what a restore of a managed database needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from shipway.actions.database.client import DatabaseClient, database_client
from shipway.actions.environment.accessory_rules import config_of
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.desired import Settings
from shipway.domain.errors import DeployFailed, ShipwayError, SnapshotFailed, UsageError
from shipway.domain.plan import Accessory, Environment
from shipway.domain.release import Release
from shipway.domain.volumes import variables_of
from shipway.steps.container import TIMED_OUT, capture

TIMEOUT = 60.0


def require_answers(ctx: Context, release: Release, environment: Environment, own: Settings) -> str:
    """DeployFailed if an external service doesn't answer, or has another version than the plan says. Returns which rights
    a restore of the database lacks; empty if none. ctx: of the host where jobs run, with the environment's network."""
    lacks = ""
    for item in release.plan.accessories.values():
        if item.external:
            lacks = _answers(ctx, release, environment, own, item) or lacks
    return lacks


def problems(ctx: Context, release: Release, environment: Environment, own: Settings) -> Iterator[tuple[str, str]]:
    """(accessory, problem) of the external services that don't answer."""
    for item in release.plan.accessories.values():
        try:
            if item.external:
                _answers(ctx, release, environment, own, item)
        except ShipwayError as error:
            yield item.name, error.message


def require_restorable(shell: DatabaseClient) -> None:
    """UsageError if the role of a managed database has no right to restore a snapshot; it says what is needed."""
    if shell.accessory.external and (lacks := shell.run("reach").lacks):
        raise UsageError(
            f"{shell.accessory.name} of {shell.environment} can't be restored: a restore creates a second database and renames "
            f"both, and the role of its address lacks {lacks}",
            hint="let an administrator of the server run these statements, and repeat the command",
        )


def _answers(ctx: Context, release: Release, environment: Environment, own: Settings, accessory: Accessory) -> str:
    database = release.plan.database
    if database is None or database.accessory != accessory.name:
        _ping(ctx, release, environment, own, accessory)
        return ""
    shell = database_client(ctx, release, environment, own)
    assert shell is not None
    # No volume of snapshots: nothing is stored.
    shell = dataclasses.replace(shell, spec=dataclasses.replace(shell.spec, volumes={}))
    try:
        answer = shell.run("reach")
    except SnapshotFailed as error:
        raise _silent(accessory, environment, error.message.partition("\n")[2]) from error
    versions = ctx.kind(accessory).versions
    planned = ctx.kind(accessory).series(accessory.image, variables_of(config_of(ctx, accessory.image)))
    found = versions.of_server(answer.server) if versions else None
    if planned is not None and found is not None and not planned.fits(found):
        raise DeployFailed(
            f"the server of {accessory.name} in {environment.name} is {found}, and the plan says {planned}, whose programs "
            "copy and prove it",
            hint=f"in the plan: `version: {'.'.join(map(str, found.numbers))}`, or an `image` of that version",
        )
    return answer.lacks


def _ping(ctx: Context, release: Release, environment: Environment, own: Settings, accessory: Accessory) -> None:
    """Ask a service whose client is known."""
    kind, known = ctx.kind(accessory), ctx.kind(accessory).external
    shell = kind.shell_of(accessory, release.app, "", own.passwords[accessory.name])
    if known is None or shell is None or not known.ping or not accessory.image:
        return
    command, variables = shell
    ctx.images.pull(accessory.image, lambda line: None)
    spec = ContainerSpec(
        name=f"{release.app}_{environment.name}_job_ping", image=accessory.image, entrypoint=command[:1],
        command=(*command[1:], *known.ping), env=variables,
        labels=names.labels(release.app, environment.name, "job", accessory.name),
        networks={names.network(release.app, environment.name): ()},
    )  # fmt: skip
    code, output = capture(ctx, spec, timeout=TIMEOUT)
    if code != 0 or known.pong not in output:
        why = f"no answer within {TIMEOUT:g} s" if code == TIMED_OUT else output.strip()[-300:]
        raise _silent(accessory, environment, why or f"its client exited with {code}")


def _silent(accessory: Accessory, environment: Environment, why: str) -> DeployFailed:
    return DeployFailed(
        f"the external service {accessory.name} of {environment.name} doesn't answer: {why.strip()}",
        hint=f"check that it runs and admits this host, and its address: shipway secret set {environment.name} "
        f"{accessory.external}",
    )
