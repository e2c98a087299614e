"""Valid values of secrets, as environment variables or as files. Pure."""

from __future__ import annotations

from shipway.domain.commands import commands_of
from shipway.domain.plan import Environment, Plan, Service
from shipway.domain.secret_source import SecretSource, source_of

VARIABLE = 128 * 1024 - 1  # bytes of NAME=VALUE, Linux's limit
FILE = 4 << 20  # bytes
FOLDER = "/run/secrets"


def secrets_of(environment: Environment, service: Service) -> tuple[str, ...]:
    """A service's own secrets, and those of the environment for every service."""
    return (*service.secrets, *(name for name in environment.secrets if name not in service.secrets))


def provider_for(environment: Environment, name: str) -> SecretSource | None:
    """The provider of a secret; None: the ledger, which also has what the infrastructure gives, unless a provider lists it."""
    source = source_of(environment.secrets_from, name)
    given = environment.infra is not None and name in environment.infra.variables_of_outputs
    return None if source is None or (given and name not in source.names) else source


def is_optional(environment: Environment, service: Service, name: str) -> bool:
    """Whether the service starts without it: neither the service nor the environment requires it."""
    optional = (*service.optional_secrets, *environment.optional_secrets)
    required = (name in service.secrets and name not in service.optional_secrets) or (
        name in environment.secrets and name not in environment.optional_secrets
    )
    return name in optional and not required


def used_as_variable(plan: Plan, name: str) -> bool:
    """Whether it is used as a variable, or not used yet."""
    if name in plan.externals:
        return True
    services = [service for service in plan.services.values() if name in service.secrets]
    environments = plan.environments.values()
    commands = [item for environment in environments for item in commands_of(environment).values()]
    others = [name in item.secrets for item in (*environments, *commands)]
    return not services or any(others) or any(name not in service.secret_files for service in services)


def problem(name: str, value: bytes, *, variable: bool) -> str:
    """Why this is no valid value of a secret; '' if it is valid."""
    if len(value) > FILE:
        return f"the value of {name} has {len(value)} bytes; a secret can have at most {FILE >> 20} MB"
    if not variable:
        return ""
    if b"\0" in value:
        return f"the value of {name} contains a NUL byte, which an environment variable can't contain"
    if len(name) + 1 + len(value) > VARIABLE:
        return f"the value of {name} has {len(value)} bytes; an environment variable can have at most 128 KiB, including its name"
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return f"the value of {name} is not valid UTF-8 (byte {error.start + 1} is 0x{value[error.start]:02x})"
    return ""


def remedy(name: str) -> str:
    """How to fix a value that can't be a variable."""
    return f"pass it as a file: with `secrets: [{{name: {name}, as: file}}]` in the plan, services read it from {FOLDER}/{name}"


def as_text(value: bytes) -> str:
    """Encode for stores and specifications: bytes that are not UTF-8 become surrogate halves, without loss."""
    return value.decode("utf-8", "surrogateescape")


def as_bytes(value: str) -> bytes:
    """Reverse `as_text`."""
    return value.encode("utf-8", "surrogateescape")
