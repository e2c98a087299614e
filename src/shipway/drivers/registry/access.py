"""Which credentials a registry gets: only those that an operator set for its address, whatever a plan says.

A plan names secrets of the scope `registry`. Such a value was recorded together with the address that it is for, so that
a plan with another address never gets it; variables of the controller are no source, but for SHIPWAY_REGISTRY_AUTH, which
has the addresses in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from shipway.domain.errors import SecretError
from shipway.domain.plan import RegistryAccess
from shipway.drivers import docker_config
from shipway.drivers.credentials import VARIABLE, Credentials, Keyring, from_variable, normalized
from shipway.drivers.docker_config import DockerLogins
from shipway.ports import Secrets

SCOPE = "registry"


def keyring(own: Mapping[str, Callable[[], Credentials]] | None = None, environ: Mapping[str, str] = os.environ) -> Keyring:
    """What this machine knows by itself: Shipway's `own` registries, SHIPWAY_REGISTRY_AUTH, else what `docker login`
    stored. SecretError where the variable can't be read; all others are asked at the first use."""
    text = environ.get(VARIABLE, "")
    logins: list[DockerLogins] = []

    def find(address: str) -> Credentials | None:
        if own and address in own:
            return own[address]() or None
        if not logins:
            logins.append(DockerLogins(docker_config.read(docker_config.folder() / "config.json")))
        return logins[0].find(address)

    return Keyring(from_variable(text) if text.strip() else {}, find)


def scope(app: str, address: str) -> str:
    """Where the secrets are kept that an operator set for an address."""
    return f"{app}/{SCOPE}@{normalized(address).replace('/', '%2F')}"


def access(app: str, wanted: RegistryAccess, keys: Keyring, secrets: Secrets) -> Credentials:
    """Credentials for the plan's registry; anonymous where the plan names none and this machine has none.

    SecretError, with the command to type, where the plan names a secret that wasn't set for this very address.
    """
    name = wanted.password or wanted.token
    value = secrets.get(scope(app, wanted.address), name) if name else None
    if value:
        found = Credentials(wanted.user, value) if wanted.password else Credentials(token=value)
        keys.add(wanted.address, found)
        return found
    known = keys.at(wanted.address)
    if known:
        return known
    if name is None:
        return Credentials()
    unbound = secrets.get(f"{app}/{SCOPE}", name) is not None
    why = "was set without an address" if unbound else "is not set"
    raise SecretError(
        f"the registry's {name} {why}: {wanted.address} gets only credentials that were set for it",
        hint=f"shipway secret set registry {name} --for {wanted.address}, or `docker login {wanted.address.partition('/')[0]}`, "
        f"or in CI {VARIABLE} (JSON by address)",
    )
