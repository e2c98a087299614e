"""Give the running release the newest values of its secrets: only what uses changed ones is replaced."""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence

from shipway.actions.deployments.deploy import execute
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.observe import needed, require_secrets
from shipway.actions.environment.provided import provide
from shipway.actions.environment.serving import serving
from shipway.context import Context
from shipway.domain import names
from shipway.domain.certificate import BUNDLE
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import RESTART
from shipway.domain.secret_source import NEVER, source_of
from shipway.domain.secret_value import secrets_of
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Rotation:
    """What a rotation changed."""

    release: int
    changed: tuple[str, ...]  # names
    services: tuple[str, ...]  # that use them


def rotate(
    ctx: Context, app: str, environment: str, *, generate: Sequence[str] = (), reason: str = "", force: bool = False,
    wait: float = 0.0,
) -> Rotation:  # fmt: skip
    """Fetch the secrets of providers again, and start the services that use changed values again, also those of
    `shipway secret set`. generate: names that get a new random value first; UsageError if one can't. If the new
    containers don't become healthy, the old ones keep serving."""
    with exclusive_access(ctx, app, environment, "secret rotate", wait=wait) as own:
        now, release, where = serving(own, app, environment)
        _require_generated(release.plan, where, generate)
        fetched = provide(own, release, where)
        for name in generate:
            own.secrets.set(names.scope(app, where.name), name, random.token_urlsafe(32))
        versions = require_secrets(own, release.plan, where, provided=fetched)
        changed = tuple(
            name for name in {**versions, **now.secrets}
            if name != BUNDLE and versions.get(name) != now.secrets.get(name)
        )  # fmt: skip
        services = tuple(
            item.name for item in release.plan.services.values()
            if set(changed).intersection((*secrets_of(where, item), *release.plan.externals))
        )  # fmt: skip
        if changed:
            why = f"rotate secrets: {', '.join(changed)}" + (f": {reason}" if reason else "")
            order = DeployRequest(
                release, where, RESTART, why, adjustments=now.adjustments, force=force, provided=fetched
            )
            execute(own, order)
        return Rotation(release.number, changed, services)


def preview(ctx: Context, app: str, environment: str) -> str:
    """The changes that a rotation would make, without storing or changing anything."""
    now, release, where = serving(ctx, app, environment)
    order = DeployRequest(release, where, RESTART, adjustments=now.adjustments)
    return decide(ctx, order, create=False).changeset.render()


def _require_generated(plan: Plan, environment: Environment, chosen: Sequence[str]) -> None:
    for name in chosen:
        source = source_of(environment.secrets_from, name)
        if source is not None and source.ledger == NEVER:
            raise UsageError(f"{name} comes from {source.text}", hint="change it there, and rotate without --generate")
        if name not in needed(plan, environment) or name in plan.externals:
            raise UsageError(
                f"no value can be generated for {name}: the release has no such secret, or it is an address",
                hint="`shipway secret list` shows what is used",
            )
        if any(name in item.secrets for item in plan.accessories.values()):
            raise UsageError(
                f"{name} is also a secret of an accessory, which would keep its old value",
                hint="change it there first, then: shipway secret set",
            )
