"""The resolved configuration of an environment: what its containers get, with secrets masked by construction."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from shipway.actions.environment.observe import version_of
from shipway.context import Context
from shipway.domain import names
from shipway.domain.desired import Settings, variables
from shipway.domain.plan import Accessory, Environment, Plan, Service
from shipway.domain.record import to_data
from shipway.domain.release import Release
from shipway.domain.secret_value import is_optional, secrets_of

MASK = "********"
OPTIONAL = "not set (optional)"
OF_RELEASE = "(of the release)"
SEPARATE = {"environment", "secrets", "secret_files", "build", "image", "name", "replicas"}


def resolved(ctx: Context, plan: Plan, environment: Environment, release: Release | None) -> dict[str, Any]:
    """Everything that decides how the environment runs, as plain data. No value of a secret is read. release: whose images
    and variables are shown; None: the plan alone."""
    known = ctx.secrets.names(names.scope(plan.app, environment.name))
    shown = release or _no_release(plan)
    secrets = {name: MASK for service in plan.services.values() for name in secrets_of(environment, service)}
    secrets |= dict.fromkeys(plan.externals, MASK)
    masked = Settings(
        version_of(ctx, release, environment) if release else OF_RELEASE,
        secrets,
        passwords=dict.fromkeys(plan.accessories, MASK),
        kinds=ctx.kinds,
    )
    services = {
        name: _service(plan, environment, shown, masked, service, known) for name, service in plan.services.items()
    }
    own = _set(to_data(environment), Environment("", ""))
    rest = {key: value for key, value in own.items() if key not in ("name", "environment", "replicas", "secrets")}
    return {
        "app": plan.app,
        "environment": environment.name,
        "release": release.number if release else None,
        "revision": release.revision if release else None,
        **rest,
        "services": services,
        "accessories": {name: _accessory(item, known) for name, item in plan.accessories.items()},
        "database": to_data(plan.database),
    }


def _service(
    plan: Plan, environment: Environment, release: Release, masked: Settings, service: Service, known: Mapping[str, int]
) -> dict[str, Any]:
    own = {key: value for key, value in _set(to_data(service), Service("")).items() if key not in SEPARATE}
    found = variables(plan, release, environment, masked, service)
    secrets = (*secrets_of(environment, service), *plan.externals)
    if release.number == 0:
        found |= dict.fromkeys(("SHIPWAY_RELEASE", "SHIPWAY_REVISION"), OF_RELEASE)
    return {
        "image": release.images.get(service.name) or service.image or to_data(service.build),
        "replicas": environment.replicas.get(service.name, service.replicas),
        **own,
        "variables": {name: value.replace(quote(MASK), MASK) for name, value in found.items() if name not in secrets},
        "secrets": {
            name: OPTIONAL if name not in known and is_optional(environment, service, name) else _version(known, name)
            for name in secrets
        },
    }


def _accessory(accessory: Accessory, known: Mapping[str, int]) -> dict[str, Any]:
    found = _set(to_data(accessory), Accessory("", "", ""))
    found.pop("name", None)
    return {**found, "secrets": {name: _version(known, name) for name in accessory.secrets}}


def _version(known: Mapping[str, int], name: str) -> str:
    return f"{MASK} (version {known[name]})" if name in known else "missing"


def _set(data: Mapping[str, Any], default: Any) -> dict[str, Any]:
    """The keys that differ from the defaults."""
    usual = to_data(default)
    return {key: value for key, value in data.items() if value != usual.get(key)}


def _no_release(plan: Plan) -> Release:
    return Release(0, plan.app, "", "", (), "", {}, dataclasses.replace(plan), 0, 0.0)
