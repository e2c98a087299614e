"""Secrets from providers: fetched once for a deployment, before it changes anything, and kept encrypted in the ledger.

What needs them later (a restart, a job on a schedule, a rollback) takes the ledger's copy and asks no provider.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipway.actions.environment.observe import needed, optional
from shipway.context import Context
from shipway.domain import names, secret_value
from shipway.domain.config_file import ConfigFile
from shipway.domain.count import counted
from shipway.domain.errors import SecretError
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment, Release
from shipway.domain.secret_source import (
    FALLBACK,
    FILES,
    OVERRIDE,
    Provided,
    ProvidedSecret,
    SecretSource,
    assigned,
    set_by_person,
)
from shipway.system.parallel import side_by_side


def provide(ctx: Context, release: Release, environment: Environment, *, create: bool = True) -> Provided:
    """Fetch all that the environment's providers have for the release. create=False stores nothing, for a dry run.
    SecretUnavailable if one can't be read; SecretError lists missing names and invalid values. Then nothing was stored."""
    if not environment.secrets_from:
        return Provided()
    scope = names.scope(release.plan.app, environment.name)
    known, origins = ctx.secrets.names(scope), ctx.secrets.origins(scope)
    own = {name for name in known if set_by_person(origins.get(name, ()), known[name])}
    wanted = [
        name
        for name in needed(release.plan, environment)
        if (source := secret_value.provider_for(environment, name)) and not (source.ledger == OVERRIDE and name in own)
    ]
    groups = assigned(environment.secrets_from, wanted)
    answers = side_by_side(lambda group: _fetch(ctx, release, environment, *group), groups)
    found: dict[str, tuple[SecretSource, ProvidedSecret]] = {}
    absent: dict[str, SecretSource] = {}
    for (source, keys), answer in zip(groups, answers, strict=True):
        for name, key in keys.items():
            if key in answer:
                found[name] = (source, answer[key])
            elif not (source.ledger == FALLBACK and name in own):
                absent[name] = source
    ctx.redactor.add({name: secret.value for name, (_, secret) in found.items()})
    lacking = optional(release.plan, environment).intersection(absent)
    _require(release, environment, found, {name: source for name, source in absent.items() if name not in lacking})
    versions = {
        name: _keep(ctx, scope, name, source, secret) if create else _version(ctx, scope, name, secret.value)
        for name, (source, secret) in found.items()
    }
    for name in sorted(lacking.intersection(known)) if create else ():
        ctx.secrets.remove(scope, name)  # else a restart would find the older value
    return Provided({name: secret.value for name, (_, secret) in found.items()}, versions, frozenset(lacking))


def _fetch(
    ctx: Context, release: Release, environment: Environment, source: SecretSource, keys: Mapping[str, str]
) -> Mapping[str, ProvidedSecret]:
    file: ConfigFile | None = release.files.get(source.place) if source.kind in FILES else None
    provider = ctx.provider(source, names.scope(release.plan.app, environment.name), file.data if file else None)
    try:
        return provider.fetch(list(dict.fromkeys(keys.values())))
    except SecretError as error:
        error.within(f"the secrets of {environment.name}")
        raise


def _require(
    release: Release,
    environment: Environment,
    found: Mapping[str, tuple[SecretSource, ProvidedSecret]],
    missing: Mapping[str, SecretSource],
) -> None:
    """SecretError with all problems together."""
    problems = [f"{source.text} has no {source.names.get(name, name)}, for {name}" for name, source in missing.items()]
    for name, (source, secret) in found.items():
        why = "the value is blank" if not secret.value.strip() else ""
        why = why or secret_value.problem(
            name, secret_value.as_bytes(secret.value), variable=secret_value.used_as_variable(release.plan, name)
        )
        problems += [f"{name} of {source.text}: {why}"] if why else []
    if problems:
        listed = "\n".join(f"  {text}" for text in problems)
        raise SecretError(
            f"{environment.name} can't use {counted(len(problems), 'secret')} of its providers:\n{listed}",
            hint="set them there; `ledger: fallback` in `secrets_from` allows `shipway secret set` for missing ones",
        )


def _keep(ctx: Context, scope: str, name: str, source: SecretSource, secret: ProvidedSecret) -> int:
    return ctx.secrets.set(scope, name, secret.value, source=source.text, source_version=secret.version)


def _version(ctx: Context, scope: str, name: str, value: str) -> int:
    """The version that a copy would get."""
    same = ctx.secrets.get(scope, name) == value
    return len(ctx.secrets.fingerprints(scope, name)) + (0 if same else 1)


def older_values(
    ctx: Context, now: Deployment | None, secrets: Mapping[str, int], fingerprints: Mapping[str, str]
) -> list[str]:
    """A line for each secret that has another value than the current deployment, as after a rollback; with the providers'
    own versions."""
    if now is None:
        return []
    scope, lines = names.scope(now.app, now.environment), list[str]()
    origins = ctx.secrets.origins(scope)

    def described(name: str, version: int) -> str:
        own = [item for item in origins.get(name, ()) if item.version == version and item.source]
        theirs = (
            f" ({own[-1].source}" + (f", version {own[-1].source_version})" if own[-1].source_version else ")")
            if own
            else ""
        )
        return f"version {version}{theirs}"

    for name, version in secrets.items():
        was = now.secrets.get(name)
        if was is not None and (was, now.fingerprints.get(name)) != (version, fingerprints.get(name)):
            lines.append(f"{name}: {described(name, version)} instead of {described(name, was)}")
    return lines
