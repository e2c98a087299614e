"""Observe what really runs in an environment, and what it needs to run a release."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress

from shipway.actions.environment.ownership import require_owned
from shipway.context import Context
from shipway.domain import names, secret_value
from shipway.domain.adjustments import Adjustments
from shipway.domain.certificate import BUNDLE
from shipway.domain.commands import commands_of
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_ROLE
from shipway.domain.count import counted
from shipway.domain.desired import Settings
from shipway.domain.errors import KeyMissing, SecretError
from shipway.domain.external import parse
from shipway.domain.observed import Observed
from shipway.domain.plan import Accessory, Environment, Plan
from shipway.domain.release import Deployment, Release
from shipway.domain.routing import user_lines
from shipway.domain.secret_source import Provided

LONG = 8  # characters of a secret that no file has by chance


def observe(ctx: Context, app: str, environment: str, *, routes: bool = True) -> Observed:
    """Read the engine, and with `routes` the edge."""
    found = ctx.runtime.list({LABEL_APP: app, LABEL_ENVIRONMENT: environment})
    by_role = {
        role: tuple(sorted((item for item in found if item.labels.get(LABEL_ROLE) == role), key=lambda item: item.name))
        for role in ("service", "accessory")
    }
    table = ctx.edge.routes(names.route_owner(app, environment)) if routes else None
    return Observed(by_role["service"], by_role["accessory"], table)


def settings(
    ctx: Context,
    release: Release,
    environment: Environment,
    *,
    version: str | None = None,
    like: Deployment | None = None,
    create: bool = True,
    adjustments: Adjustments | None = None,
    addresses: bool = False,
    provided: Provided | None = None,
) -> Settings:
    """Secrets and passwords for a release in an environment.

    like: use this deployment's versions of the secrets; with `addresses`, but the newest addresses of external services. create: generate missing passwords of accessories (otherwise a
    placeholder, for a dry run). adjustments: None: those of `like`. provided: what was just fetched from providers. SecretError lists all missing secrets.
    """
    plan = release.plan
    scope = names.scope(plan.app, environment.name)
    fetched: Mapping[str, str] = provided.values if provided else {}
    versions = require_secrets(ctx, plan, environment, like, addresses=addresses, provided=provided)
    values = {
        name: fetched[name] if name in fetched else ctx.secrets.get(scope, name, version) or ""
        for name, version in versions.items()
    }
    _require_fit(plan, values)
    _require_users(environment, values)
    _require_certificate(environment, values)
    passwords = passwords_of(ctx, plan, environment, create=create)
    chosen = {item.name: ctx.kind(item).password_secret(item) for item in plan.accessories.values()}
    _require_addresses(ctx, plan, environment, values)
    passwords |= {name: values[secret] for name, secret in chosen.items() if secret in values}
    if like is None:
        _require_no_secret(release, values)
    ctx.redactor.add(values)
    fingerprints = {
        name: text
        for name, number in versions.items()
        for text in ctx.secrets.fingerprints(scope, name)[number - 1 : number]
    }
    version = version or version_of(ctx, release, environment)
    if adjustments is None:
        adjustments = like.adjustments if like else Adjustments()
    return Settings(version, values, versions, passwords, fingerprints, ctx.kinds, adjustments)


def _version(ctx: Context, scope: str, name: str, like: Deployment | None) -> int | None:
    """Version of the value that a deployment used: by its fingerprint, or by its number in records without
    fingerprints. None if it used none, or one that this ledger lacks."""
    number, fingerprint = (like.secrets.get(name), like.fingerprints.get(name)) if like else (None, None)
    known = ctx.secrets.fingerprints(scope, name) if fingerprint else ()
    if fingerprint is None or number is None or known[number - 1 : number] == [fingerprint]:
        return number
    return known.index(fingerprint) + 1 if fingerprint in known else None


def passwords_of(ctx: Context, plan: Plan, environment: Environment, *, create: bool) -> dict[str, str]:
    """Passwords of an environment's accessories, by accessory, and newest addresses of external ones. create: generate
    missing passwords; otherwise a placeholder."""
    found = {
        accessory.name: _password(ctx, plan, environment, accessory, create)
        for accessory in plan.own_accessories.values()
        if ctx.kind(accessory).password
    }
    ctx.redactor.add({f"{name} password": value for name, value in found.items()})
    return found | addresses_of(ctx, plan, environment)


def addresses_of(ctx: Context, plan: Plan, environment: Environment) -> dict[str, str]:
    """The newest addresses of external services, by accessory, which no output shows from now on; empty where one is not
    set."""
    scope = names.scope(plan.app, environment.name)
    found = {
        item.name: ctx.secrets.get(scope, item.external) or "" for item in plan.accessories.values() if item.external
    }
    for name, address in found.items():
        _redact(ctx, name, address)
    return found


def _require_no_secret(release: Release, values: Mapping[str, str]) -> None:
    """SecretError if a configuration file of the release contains a secret: it would be in the history and in the ledger.
    Short values are words that any file may have."""
    for path, file in release.files.items():
        for name, value in values.items():
            if len(value) >= LONG and secret_value.as_bytes(value) in file.data:
                raise SecretError(
                    f"{path} contains the value of the secret {name}, and would be stored unencrypted",
                    hint=f"remove it there; `secrets: [{{name: {name}, as: file}}]` gives the service the secret as a file",
                )


def _redact(ctx: Context, name: str, address: str) -> None:
    ctx.redactor.add({f"{name} address": address} if address else {})
    with suppress(ValueError):
        ctx.redactor.add({f"{name} {part}": value for part, value in parse(address).confidential.items()})


def _require_addresses(ctx: Context, plan: Plan, environment: Environment, values: Mapping[str, str]) -> None:
    """SecretError if one can't be used, before anything is started."""
    for item in plan.accessories.values():
        if item.external:
            _redact(ctx, item.name, values[item.external])
            if why := ctx.kind(item).problem(values[item.external]):
                raise SecretError(
                    f"the address of {item.name}, in the secret {item.external} of {environment.name}, can't be used: {why}",
                    hint=f"set it again: shipway secret set {environment.name} {item.external}",
                )


def _require_fit(plan: Plan, values: Mapping[str, str]) -> None:
    """Check the values again: one may have been set for a plan that used it as a file."""
    for name, value in values.items():
        if why := secret_value.problem(
            name, secret_value.as_bytes(value), variable=secret_value.used_as_variable(plan, name)
        ):
            raise SecretError(why, hint=secret_value.remedy(name))


def _require_users(environment: Environment, values: Mapping[str, str]) -> None:
    """SecretError if the secret of `access` has no users."""
    name = environment.access.users
    if name is None:
        return
    try:
        user_lines(values[name])
    except ValueError as error:
        raise SecretError(
            f"{name} can't be used for the access to {environment.name}: {error}",
            hint=f"`htpasswd -nB NAME` prints a line for a user; then: shipway secret set {environment.name} {name}",
        ) from error


def _require_certificate(environment: Environment, values: Mapping[str, str]) -> None:
    """SecretError if the secrets of `tls` are no certificate and no key."""
    begins = {"certificate": "-----BEGIN CERTIFICATE-----", "key": "-----BEGIN "}
    for what, name in environment.tls.secrets.items() if environment.tls else ():
        value = values[name].strip()
        if not value.startswith(begins[what]) or (what == "key" and "PRIVATE KEY-----" not in value.splitlines()[0]):
            raise SecretError(
                f"{name} is not a {'certificate' if what == 'certificate' else 'private key'} in PEM form",
                hint=f"set it from the file: shipway secret set {environment.name} {name} < {what}.pem",
            )


def require_secrets(
    ctx: Context, plan: Plan, environment: Environment, like: Deployment | None = None, *, addresses: bool = False,
    provided: Provided | None = None, fetched_later: bool = False, certified_later: bool = False,
) -> dict[str, int]:  # fmt: skip
    """Version of each secret that a deployment needs: those of `like`, else the newest; with `addresses`, the newest of
    external services. fetched_later: those of providers may be missing;
    certified_later: the certificate by DNS too. SecretError lists all missing ones."""
    scope = names.scope(plan.app, environment.name)
    newest = dict(ctx.secrets.names(scope))
    if provided is not None:
        newest = {name: number for name, number in newest.items() if name not in provided.lacking} | dict(
            provided.versions
        )
    moved = plan.externals if addresses else ()
    versions = {
        name: (None if name in moved else _version(ctx, scope, name, like)) or newest.get(name, 0)
        for name in needed(plan, environment)
    }
    unset = optional(plan, environment)
    versions = {name: version for name, version in versions.items() if version or name not in unset}
    missing = [name for name, version in versions.items() if not version]
    if fetched_later:
        missing = [name for name in missing if secret_value.provider_for(environment, name) is None]
    if missing:
        commands = "\n".join(f"  shipway secret set {environment.name} {name}" for name in missing)
        raise SecretError(
            f"{environment.name} lacks {counted(len(missing), 'secret')}: {', '.join(missing)}",
            hint=f"set them:\n{commands}",
        )
    return versions if certified_later else versions | _certificate(environment, newest)


def _certificate(environment: Environment, newest: Mapping[str, int]) -> dict[str, int]:
    """The newest one, also for a rollback. SecretError if Shipway has not obtained it yet."""
    if not environment.by_dns:
        return {}
    if BUNDLE not in newest:
        raise SecretError(
            f"{environment.name} has no certificate yet", hint=f"obtain it: shipway certificate {environment.name}"
        )
    return {BUNDLE: newest[BUNDLE]}


def with_edge_of(
    now: Deployment | None, plan: Plan, environment: Environment, like: Deployment | None
) -> Deployment | None:
    """`like` with the versions that the current deployment has of the secrets that only the edge gets. Who may enter, and
    which certificate is valid, is decided now: a rollback must not let in who was locked out since, nor serve an expired
    certificate."""
    if like is None or now is None:
        return like
    own = set(_of_edge(environment)).difference(_of_containers(plan, environment)).intersection(now.secrets)
    secrets = {**like.secrets, **{name: now.secrets[name] for name in own}}
    fingerprints = {name: text for name, text in like.fingerprints.items() if name not in own}
    fingerprints |= {name: now.fingerprints[name] for name in own if name in now.fingerprints}
    return dataclasses.replace(like, secrets=secrets, fingerprints=fingerprints)


def needed(plan: Plan, environment: Environment, *, optional: bool = True) -> list[str]:
    """Names of all secrets that a deployment to the environment uses; optional=False: that it needs."""
    return list(dict.fromkeys([*_of_containers(plan, environment, optional=optional), *_of_edge(environment)]))


def _of_containers(plan: Plan, environment: Environment, *, optional: bool = True) -> list[str]:
    desired = [
        name
        for service in plan.services.values()
        for name in secret_value.secrets_of(environment, service)
        if optional or not secret_value.is_optional(environment, service, name)
    ]
    desired += [name for accessory in plan.accessories.values() for name in accessory.secrets]
    desired += plan.externals
    return desired + [name for command in commands_of(environment).values() for name in command.secrets]


def _of_edge(environment: Environment) -> list[str]:
    users = [environment.access.users] if environment.access.users else []
    certificate = list(environment.tls.secrets.values() if environment.tls else ())
    return [*users, *certificate, *(environment.cdn.secrets if environment.cdn else ())]


def optional(plan: Plan, environment: Environment) -> set[str]:
    """Names of those secrets that may be unset: all that use them say so."""
    required = set(needed(plan, environment, optional=False))
    return set(needed(plan, environment)) - required


def version_of(ctx: Context, release: Release, environment: Environment) -> str:
    """The release's version tag in an environment deployed by tags; else its short revision."""
    tags = versions(ctx, release) if environment.trigger.tag else []
    return tags[-1] if tags else release.revision[:12]


def versions(ctx: Context, release: Release) -> list[str]:
    """All version tags of the release, oldest first."""
    return ctx.ledger.versions(release.app, release.number)


def _password(ctx: Context, plan: Plan, environment: Environment, accessory: Accessory, create: bool) -> str:
    scope = names.scope(plan.app, environment.name)
    own = ctx.kind(accessory).password_secret(accessory)
    name = own or f"accessory:{accessory.name}"
    try:
        found = ctx.secrets.get(scope, name)
    except KeyMissing:  # the running container knows its password too
        found = _running_password(ctx, plan, environment, accessory)
        if found is None:
            raise
    if found is None and create and not own:
        import secrets as random

        found = _running_password(ctx, plan, environment, accessory) or random.token_urlsafe(24)
        ctx.secrets.set(scope, name, found)
    return found or "not-made-yet"


def _running_password(ctx: Context, plan: Plan, environment: Environment, accessory: Accessory) -> str | None:
    """The password that the existing container was created with."""
    here = ctx.on(environment.hosts[0].name)
    require_owned(here, plan.app, environment.name)
    variables = here.runtime.variables(names.accessory(plan.app, environment.name, accessory.name))
    return ctx.kind(accessory).password_in(variables)
