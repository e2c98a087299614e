"""The interactive client of an accessory, such as an environment's database."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from shipway.actions.environment.accessory_rules import serving_image
from shipway.actions.environment.observe import settings
from shipway.actions.environment.serving import serving
from shipway.actions.operations.command import Person, run_alone
from shipway.actions.operations.sources import require_name
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import UsageError
from shipway.domain.plan import Accessory, Security
from shipway.domain.release import Release
from shipway.steps.database_server import file_mount


def database(
    ctx: Context, app: str, environment: str, name: str | None, arguments: Sequence[str], person: Person, *,
    read_only: bool = False,
) -> int:  # fmt: skip
    """Run the client of an accessory (None: the environment's database) in a new container of the server's image, as the
    accessory's user. Returns its exit code. UsageError for an accessory without a known client, and if `read_only` is not
    supported."""
    now, release, where = serving(ctx, app, environment)
    own = settings(ctx, release, where, like=now)
    accessory = _chosen(ctx, release, environment, name)
    kind, here = ctx.kind(accessory), ctx.on(where.hosts[0].name)
    password = own.passwords.get(accessory.name, "")
    shell = kind.shell_of(accessory, app, accessory.name, password, read_only=read_only)
    if shell is None:
        raise UsageError(
            f"{accessory.name} can't be opened read-only: its client has no such mode",
            hint=f"without --read-only: shipway db {environment} {accessory.name}",
        )
    command, variables = shell
    container = names.accessory(app, environment, accessory.name)
    job = ContainerSpec(
        name="", image=serving_image(here, container, accessory),
        labels=names.labels(app, environment, "session", accessory.name),
        entrypoint=(command[0],), command=(*command[1:], *arguments), env=variables, security=Security(),
        networks={names.network(app, environment): ()}, volumes=file_mount(app, environment, accessory),
    )  # fmt: skip
    detail = " ".join([*(["read-only"] if read_only else []), "client", shlex.join(arguments)]).strip()
    return run_alone(here, release, environment, accessory.name, job, detail, person)


def _chosen(ctx: Context, release: Release, environment: str, name: str | None) -> Accessory:
    plan = release.plan
    if name is not None:
        require_name(plan, name)
        if name not in plan.accessories:
            hint = f"shipway exec {environment} {name} -- COMMAND"
            raise UsageError(f"{name} is a service, not an accessory", hint=hint)
        accessory = plan.accessories[name]
        if ctx.kind(accessory).shell_for(accessory) is None or not accessory.image:
            raise UsageError(
                f"no client is known for {name}, which is of the kind {accessory.kind}",
                hint="" if accessory.external else f"shipway exec {environment} {name} --into -- COMMAND",
            )
        return accessory
    if plan.database is not None:
        found = release.migrated
        assert found is not None
        return found
    known = [item for item in plan.accessories.values() if ctx.kind(item).shell]
    own = [item for item in known if ctx.kind(item).password] or known
    if len(own) == 1:
        return own[0]
    raise UsageError(
        f"{plan.app} has {'several' if own else 'no'} accessories with a known client",
        hint=f"name one: {', '.join(item.name for item in own)}"
        if own
        else f"`shipway exec {environment} SERVICE -- COMMAND` runs a client of a service's image",
    )
