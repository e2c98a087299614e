"""The registry of a plan."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class RegistryAccess:
    """The registry for pushed images, such as ghcr.io/acme. None in the plan: a registry that Shipway runs itself."""

    address: str
    user: str | None = None
    password: str | None = None  # name of a secret
    token: str | None = None  # name of a secret; sent as a bearer token
