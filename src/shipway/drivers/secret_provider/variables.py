"""Secrets in variables of the process that deploys, as hosted CI jobs have them.

Who sets a variable decides who gets it: its name has the app and the environment, so that no plan can name another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.errors import SecretError
from shipway.domain.secret_source import ProvidedSecret, SecretSource, prefix, variable_problem
from shipway.drivers.secret_provider.operator import Operator


class Variables:
    """Implements ports.SecretProvider."""

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._environ, self._scope, self._prefix = operator.environ, operator.scope, prefix(operator.scope)

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """An empty variable is one that is not set: a CI job passes an unknown secret so. SecretError if a name could be that of
        another environment's variable."""
        app, _, environment = self._scope.partition("/")
        if why := variable_problem(app, environment, keys):
            raise SecretError(why, hint="use another name, or another provider in `secrets_from`")
        given = {key: self._environ.get(f"{self._prefix}{key}", "") for key in keys}
        return {key: ProvidedSecret(value) for key, value in given.items() if value}
