"""Credentials for registries: only those that an operator set for the address, regardless of the plan.

A plan names secrets of the scope `registry`. They are stored with the address that they are for, so that a plan with
another address never gets them. Variables of the controller are not used, except SHIPWAY_REGISTRY_AUTH, which contains
the addresses.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from shipway.domain.errors import SecretError
from shipway.domain.registry_access import RegistryAccess
from shipway.drivers import docker_config
from shipway.drivers.credentials import VARIABLE, Credentials, Keyring, from_variable, normalized
from shipway.drivers.docker_config import DockerLogins
from shipway.ports import Secrets

SCOPE = "registry"


def keyring(
    own: Mapping[str, Callable[[], Credentials]] | None = None, environ: Mapping[str, str] = os.environ
) -> Keyring:
    """The credentials of this machine: Shipway's `own` registries, SHIPWAY_REGISTRY_AUTH, else those of `docker login`.
    SecretError if the variable can't be read; all others are read on first use."""
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
    """Scope of the secrets that an operator set for an address."""
    return f"{app}/{SCOPE}@{normalized(address).replace('/', '%2F')}"


def access(app: str, wanted: RegistryAccess, keys: Keyring, secrets: Secrets) -> Credentials:
    """Credentials for the plan's registry; anonymous if neither the plan nor this machine has any.

    SecretError with the command to run if the plan names a secret that isn't set for exactly this address.
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
        f"the registry's {name} {why}: {wanted.address} gets only credentials that were set for that address",
        hint=f"shipway secret set registry {name} --for {wanted.address}, or `docker login {wanted.address.partition('/')[0]}`, "
        f"or in CI {VARIABLE} (JSON by address)",
    )
