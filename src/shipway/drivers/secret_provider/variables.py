"""Secrets in variables of the process that deploys, as hosted CI jobs have them.

Who sets a variable decides who gets it: its name has the app and the environment, so that no plan can name another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shipway.domain.secret_source import ProvidedSecret, SecretSource
from shipway.drivers.secret_provider.operator import Operator

PREFIX = "SHIPWAY_SECRET"


def prefix(scope: str) -> str:
    """What the variables of an app's environment begin with."""
    return "__".join([PREFIX, *(re.sub("[^A-Z0-9]", "_", part.upper()) for part in scope.split("/")), ""])


class Variables:
    """Implements ports.SecretProvider."""

    def __init__(self, source: SecretSource, operator: Operator) -> None:
        self._environ, self._prefix = operator.environ, prefix(operator.scope)

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """An empty variable is one that is not set: a CI job passes an unknown secret so."""
        given = {key: self._environ.get(f"{self._prefix}{key}", "") for key in keys}
        return {key: ProvidedSecret(value) for key, value in given.items() if value}
