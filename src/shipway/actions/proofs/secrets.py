"""The secrets of a proof: never those of the environment, since the code that it runs is not approved yet."""

from __future__ import annotations

import secrets as random

from shipway.actions.environment.observe import needed, optional, passwords_of, version_of
from shipway.context import Context
from shipway.domain import names
from shipway.domain.count import counted
from shipway.domain.desired import Settings
from shipway.domain.errors import SecretError
from shipway.domain.plan import Environment
from shipway.domain.release import Release


class ProofSecrets:
    """One proof's values: set for proofs or generated, the same for all its releases."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._values: dict[str, str] = {}

    def settings(self, release: Release, environment: Environment) -> Settings:
        """Settings of a release as the environment would run it. The accessories' passwords are the environment's own,
        to copy its database; no container of a release gets them. SecretError lists required secrets that aren't
        set."""
        known = self._ctx.secrets.names(names.scope(release.app, names.PROOFS))
        left_out = optional(release.plan, environment) - set(known)  # a generated value may be none that the app takes
        desired = [name for name in needed(release.plan, environment) if name not in left_out]
        missing = [name for name in release.plan.prove.secrets if name not in known]
        if missing:
            commands = "\n".join(f"  shipway secret set {names.PROOFS} {name}" for name in missing)
            raise SecretError(
                f"proofs lack {counted(len(missing), 'secret')}: {', '.join(missing)}",
                hint=f"set them, to other values than those of {environment.name}:\n{commands}",
            )
        values = {name: self._value(release.app, name, name in known) for name in desired}
        passwords = passwords_of(self._ctx, release.plan, environment, create=False)
        version = version_of(self._ctx, release, environment)
        return Settings(version, values, dict.fromkeys(values, 0), passwords, kinds=self._ctx.kinds)

    def _value(self, app: str, name: str, known: bool) -> str:
        if name not in self._values:
            found = self._ctx.secrets.get(names.scope(app, names.PROOFS), name) if known else None
            self._values[name] = found or random.token_urlsafe(32)
            self._ctx.redactor.add({name: self._values[name]})
        return self._values[name]
