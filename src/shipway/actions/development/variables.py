"""Values for a developer's machine: from a file of the checkout, else generated, and never those of an environment."""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from pathlib import Path

from shipway.actions.environment.observe import needed, optional
from shipway.context import Context
from shipway.domain import dotenv, names
from shipway.domain.development import Development
from shipway.domain.errors import PlanError, SecretError
from shipway.domain.plan import Plan

FILES = (".env.development", ".env")  # the first that exists, beside the plan, else in the repository's folder


def given_file(root: Path, plan: str) -> Path | None:
    """The file with a developer's own values; None if there is none."""
    folders = dict.fromkeys((root / Path(plan).parent, root))
    return next((folder / name for folder in folders for name in FILES if (folder / name).is_file()), None)


def given_variables(root: Path, plan: str) -> dict[str, str]:
    """Their values by name. PlanError if a line can't be read."""
    path = given_file(root, plan)
    if path is None:
        return {}
    try:
        found = dotenv.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} can't be read: {error}") from error
    if found.problems:
        raise PlanError(f"{path} can't be read: {'; '.join(found.problems)}")
    return {item.name: item.value for item in found.found}


def ensure_secrets(ctx: Context, own: Development, given: Mapping[str, str]) -> None:
    """Store a value for each secret that the services, the accessories and the seed have: the given one, else one that is
    generated once. SecretError for what can't be generated."""
    plan, environment = own.plan, own.environment
    scope = names.scope(plan.app, environment.name)
    there, may_lack = ctx.secrets.names(scope), optional(plan, environment)
    for name in needed(plan, environment):
        if given.get(name, "").strip():
            ctx.secrets.set(scope, name, given[name])
        elif name in own.unknown:
            raise SecretError(
                f"{name}, the address of an external service, has no value on this machine, and no image to start one is known",
                hint=f"put a line into .env.development: {name}=ADDRESS",
            )
        elif name not in there and name not in may_lack:
            ctx.secrets.set(scope, name, random.token_urlsafe(24))
    _builds(ctx, plan, given)


def _builds(ctx: Context, plan: Plan, given: Mapping[str, str]) -> None:
    """Secrets of builds, such as a token of a package registry, can't be generated."""
    scope = names.scope(plan.app, names.BUILDS)
    images = [item.image.build for item in plan.pipeline.values() if item.image]
    builds = [item.build for item in plan.services.values()]
    wanted = dict.fromkeys(name for build in (*builds, *images) if build for name in (
        *build.granted, *(base for item in build.bases.values() for base in item.granted)
    ))  # fmt: skip
    for name in wanted:
        if given.get(name, "").strip():
            ctx.secrets.set(scope, name, given[name])
    there = ctx.secrets.names(scope)
    required = [name for build in builds if build for name in build.granted]
    if missing := [name for name in dict.fromkeys(required) if name not in there]:
        raise SecretError(
            f"builds of {plan.app} need {', '.join(missing)}, which can't be generated",
            hint="put a line for each into .env.development: NAME=VALUE",
        )


def secret_values(ctx: Context, own: Development) -> dict[str, str]:
    """The values on this machine, by name."""
    scope = names.scope(own.plan.app, own.environment.name)
    found = {name: ctx.secrets.get(scope, name) for name in needed(own.plan, own.environment)}
    return {name: value for name, value in found.items() if value is not None}
