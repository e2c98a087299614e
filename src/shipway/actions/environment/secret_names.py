"""Names of secrets: invalid names are rejected, unused ones reported, and used ones kept."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from shipway.actions.environment.observe import needed
from shipway.context import Context
from shipway.domain import rights
from shipway.domain.accessory import Kinds
from shipway.domain.commands import commands_of
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.names import BUILDS, PROOFS, REGISTRY
from shipway.domain.plan import Environment, Plan
from shipway.domain.secret_source import NEVER, SecretSource
from shipway.domain.secret_value import as_bytes, problem, provider_for, remedy, used_as_variable

OF_OPERATORS = re.compile(r"^(the plan's )?(dns|infra|backups)( of release \d+)?$")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def provider_of(plan: Plan, environment: str, name: str) -> SecretSource | None:
    """The provider whose values alone count for a name, so that a value in the ledger would never be used."""
    place = plan.environments.get(environment)
    source = provider_for(place, name) if place and name in needed(plan, place) else None
    return source if source and source.ledger == NEVER else None


def require_own(plan: Plan, environment: str, names: Iterable[str]) -> None:
    """UsageError if a provider has one of them."""
    for name in names:
        if source := provider_of(plan, environment, name):
            raise UsageError(
                f"{name} of {environment} comes from {source.text}: a value that is set here would not be used",
                hint=f"set it there, then: shipway secret rotate {environment}; or allow it in the plan: `ledger: override`",
            )


def check_name(plan: Plan, environment: str, name: str) -> str:
    """UsageError if the name is no valid variable name. A message if the plan doesn't use it; else empty."""
    if not VARIABLE.fullmatch(name):
        raise UsageError(
            f"{name[:60]!r} is not a valid variable name",
            hint="use letters, digits and underscores, without a leading digit: SECRET_KEY",
        )
    require_own(plan, environment, [name])
    place = plan.environments.get(environment)
    if place is None and environment != BUILDS:
        return ""
    backups = place.backups.secrets if place and place.backups else ()
    used = [*needed(plan, place), *_provisioning(place), *backups] if place else rights.of_builds(plan)
    if name in used:
        return ""
    near = difflib.get_close_matches(name, used, 1)
    guess = f"; did you mean {near[0]}?" if near else ""
    return f"note: nothing in the plan uses {name} in {environment} yet{guess}"


def misfit(kinds: Kinds, plan: Plan, environment: str, name: str, value: str) -> str:
    """Why the consumers of a secret can't use the value, without a part of it; empty if they can."""
    for item in plan.accessories.values() if environment in plan.environments else ():
        if item.external == name and (why := kinds[item.kind].problem(value)):
            return f"{name} is the address of {item.name}, and this value can't be one: {why}"
    variable = environment == REGISTRY or (environment != BUILDS and used_as_variable(plan, name))
    return problem(name, as_bytes(value), variable=variable)


def require_fit(kinds: Kinds, plan: Plan, environment: str, name: str, value: str) -> None:
    """SecretError if its consumers can't use the value."""
    if why := misfit(kinds, plan, environment, name, value):
        file = environment in (REGISTRY, BUILDS) or name in plan.externals
        raise SecretError(why, hint=remedy(name) if not file and used_as_variable(plan, name) else "")


def require_unused(ctx: Context, plan: Plan, environment: str, name: str) -> None:
    """UsageError if the plan, the current release or one being deployed uses a secret of the environment or of the
    proofs, and no provider has it instead. Operators' commands use the ledger's value alone."""
    place = plan.environments.get(environment)
    provided = place is not None and provider_for(place, name) is not None
    used = [user for user in users_of(ctx, plan, environment, name) if not provided or OF_OPERATORS.search(user)]
    if used:
        hint = f"remove it from the plan and deploy that first; to change its value: shipway secret set {environment} {name}"
        raise UsageError(f"{name} was not removed from {environment}, since it is used by {', '.join(used)}", hint=hint)


def users_of(ctx: Context, plan: Plan, environment: str, name: str) -> list[str]:
    """What uses a secret: in the plan, in the current release, and in one being deployed."""
    used = [f"the plan's {user}" for user in _users(plan, environment, name)]
    current, pending = ctx.ledger.current(plan.app, environment), ctx.ledger.pending(plan.app, environment)
    for number in sorted({item.release for item in (current, *pending) if item is not None}):
        release = ctx.ledger.release(plan.app, number)
        used += [f"{user} of release {number}" for user in (_users(release.plan, environment, name) if release else ())]
    return used


def _users(plan: Plan, environment: str, name: str) -> Iterator[str]:
    if environment == PROOFS:
        yield from ["proofs"] if name in plan.prove.secrets else []
        return
    if environment == BUILDS:
        builds = (item for item in plan.services.values() if item.build and name in item.build.granted)
        yield from [f"build of {item.name}" for item in builds] or (
            ["builds"] if name in rights.of_builds(plan) else []
        )
        return
    place = plan.environments.get(environment)
    if place is None:
        return
    yield from (f"service {item.name}" for item in plan.services.values() if name in item.secrets)
    yield from (
        f"accessory {item.name}" for item in plan.accessories.values() if name in (*item.secrets, item.external)
    )
    yield from ["services, all of them"] if name in place.secrets else []
    yield from (user for user, command in commands_of(place).items() if name in command.secrets)
    yield from ["access"] if name == place.access.users else []
    yield from ["dns"] if place.dns and name in place.dns.secrets.values() else []
    yield from ["infra"] if place.infra and name in place.infra.secrets else []
    yield from ["cdn"] if place.cdn and name in place.cdn.secrets else []
    yield from ["backups"] if place.backups and name in place.backups.secrets else []
    yield from ["tls"] if place.tls and name in place.tls.secrets.values() else []


def _provisioning(place: Environment) -> list[str]:
    """Names of secrets that only an operator's commands use, or that they set."""
    found = list(place.dns.secrets.values()) if place.dns else []
    return found + ([*place.infra.secrets, *place.infra.variables_of_outputs] if place.infra else [])
