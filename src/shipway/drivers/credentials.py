"""Credentials of registries for pulls and pushes, and their storage: by address, never by the plan."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shipway.domain.errors import SecretError
from shipway.system.redact import of_process

VARIABLE = "SHIPWAY_REGISTRY_AUTH"
HUB = "docker.io"
_HUB_NAMES = ("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")


@dataclass(frozen=True)
class Credentials:
    """User and password, a bearer token that is sent unchanged, or an identity token that is exchanged for one."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    identity: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        of_process().add(
            {"registry password": self.password or "", "registry token": self.token or self.identity or ""}
        )

    def __str__(self) -> str:
        """Whose they are, for messages."""
        if self.user:
            return f"user {self.user}"
        return "the token" if self.token or self.identity else "anonymous access"

    def __bool__(self) -> bool:
        """Whether it has credentials."""
        return bool(self.user or self.token or self.identity)

    def secret(self) -> str:
        """The part that must never be printed; empty if there is none."""
        return self.password or self.token or self.identity or ""


class Keyring:
    """Credentials by address of a registry, such as registry.example:5000 or registry.example/acme.

    The longest address that is a prefix of a reference applies. Given addresses take precedence over `elsewhere`, which
    is asked once per host. Safe to share between threads.
    """

    def __init__(
        self,
        given: Mapping[str, Credentials] | None = None,
        elsewhere: Callable[[str], Credentials | None] = lambda address: None,
    ) -> None:
        """elsewhere: credentials of a normalized address, with or without a folder. RegistryError if it fails."""
        self._given = {normalized(address): credentials for address, credentials in (given or {}).items()}
        self._elsewhere = elsewhere
        self._found: dict[str, Credentials | None] = {}
        self._withheld: set[str] = set()
        self._lock = threading.Lock()

    def add(self, address: str, credentials: Credentials, *, builds: bool = True) -> None:
        """Use them for that address from now on. builds: whether a Dockerfile may use base images from there."""
        with self._lock:
            self._given[normalized(address)] = credentials
            if not builds:
                self._withheld.add(normalized(address))

    def given(self) -> Mapping[str, Credentials]:
        """By address: all that builds may use, except those of `elsewhere`."""
        with self._lock:
            return {
                address: credentials for address, credentials in self._given.items() if address not in self._withheld
            }

    def find(self, reference: str) -> Credentials | None:
        """Credentials for an image's full name or a repository; None if there are none."""
        first, slash, _ = reference.partition("/")
        named = slash and ("." in first or ":" in first or first == "localhost")
        return self.at(reference if named else f"{HUB}/{reference}")

    def at(self, address: str) -> Credentials | None:
        """Credentials for a registry, with or without a folder in it."""
        parts = normalized(address).split("/")
        for length in range(len(parts), 0, -1):
            part = "/".join(parts[:length])
            with self._lock:
                if part in self._given:
                    return self._given[part]
                if part not in self._found:
                    self._found[part] = self._elsewhere(part)
                if self._found[part]:
                    return self._found[part]
        return None


def normalized(address: str) -> str:
    """host[:port][/folder], as references begin: without a scheme, and docker.io for each name of Docker Hub."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    host, path = parts.netloc.lower(), parts.path.strip("/")
    host = HUB if host in _HUB_NAMES else host
    return f"{host}/{path}" if path and path not in ("v1", "v2") else host


def from_variable(text: str) -> dict[str, Credentials]:
    """Parse SHIPWAY_REGISTRY_AUTH: {"ADDRESS": {"user": …, "password": …} or {"token": …}, …}. SecretError if it is
    invalid."""
    wanted = '{"registry.example": {"user": "ci", "password": "…"}}, or {"token": "…"} for an address'
    try:
        data = json.loads(text)
        found = {str(address): _one(entry) for address, entry in data.get("auths", data).items()}
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise SecretError(f"{VARIABLE} can't be read", hint=f"expected: {wanted}") from error  # never show the content
    if not all(found.values()):
        raise SecretError(
            f"{VARIABLE} has an address without a user and a password or a token", hint=f"expected: {wanted}"
        )
    return found


def _one(entry: Mapping[str, str]) -> Credentials:
    user, password = entry.get("user") or entry.get("username"), entry.get("password")
    if "auth" in entry:
        user, password = decoded(entry["auth"])
    if user and not password:
        user = None
    return Credentials(user, password, entry.get("token") or entry.get("registrytoken"), entry.get("identitytoken"))


def decoded(auth: str) -> tuple[str | None, str | None]:
    """User and password from base64 of USER:PASSWORD. ValueError if it is invalid."""
    try:
        user, colon, password = base64.b64decode(auth).decode().rstrip("\0").partition(":")
    except binascii.Error as error:
        raise ValueError("no base64") from error
    return (user, password) if colon and user and password else (None, None)
