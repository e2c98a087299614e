"""Variables of this process for programs that it starts: without the secrets that only Shipway needs."""

from __future__ import annotations

import os
from collections.abc import Mapping

OWN = frozenset({
    "SHIPWAY_KEY", "SHIPWAY_LEDGER", "SHIPWAY_REGISTRY_AUTH", "SHIPWAY_AGE_IDENTITY", "SHIPWAY_OIDC_SECRET",
    "SHIPWAY_FORGE_TOKEN", "SHIPWAY_TOKEN", "SHIPWAY_DELEGATION",
})  # fmt: skip
PREFIX = "SHIPWAY_SECRET__"  # of secrets that a CI job passes on


def for_others(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """All others. environ: in place of this process's."""
    given = os.environ if environ is None else environ
    return {name: value for name, value in given.items() if name not in OWN and not name.startswith(PREFIX)}
