"""Credentials of registries for pulls and pushes, and their storage: by address, never by the plan."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from urllib.parse import urlsplit

from shipway.domain.errors import RegistryError, SecretError
from shipway.domain.value import dataclass
from shipway.system.redact import of_process, without
from shipway.system.variables import for_others

VARIABLE = "SHIPWAY_REGISTRY_AUTH"
HUB = "docker.io"
FRESH = 300.0  # seconds for which an answer of a source is used without asking again
COMMAND_TIMEOUT = 60.0  # seconds
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


Ask = Callable[[], Credentials | None]  # asks a source that may give another answer later. RegistryError if it fails


@dataclass
class _Known:
    """An answer, and where a newer one comes from; None: it never changes."""

    value: Credentials | None
    ask: Ask | None = None
    asked: float | None = None  # by the keyring's clock; None: not yet


class Keyring:
    """Credentials by address of a registry, such as registry.example:5000 or registry.example/acme.

    The longest address that is a prefix of a reference applies. Given addresses take precedence over `elsewhere`. A source
    is asked once per host, again for an answer older than FRESH seconds, and by `renew`: tokens expire during a long
    deployment. Safe to share between threads.
    """

    def __init__(
        self,
        given: Mapping[str, Credentials | Ask] | None = None,
        elsewhere: Callable[[str], Credentials | None] = lambda address: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """elsewhere: credentials of a normalized address, with or without a folder. RegistryError if it fails."""
        self._clock = clock
        self._given = {normalized(address): _known(found) for address, found in (given or {}).items()}
        self._elsewhere = elsewhere
        self._found: dict[str, _Known] = {}
        self._withheld: set[str] = set()
        self._lock = threading.Lock()

    def add(self, address: str, credentials: Credentials, *, builds: bool = True, ask: Ask | None = None) -> None:
        """Use them for that address from now on. builds: whether a Dockerfile may use base images from there. ask: where
        newer ones come from."""
        with self._lock:
            self._given[normalized(address)] = _Known(credentials, ask, self._clock())
            if not builds:
                self._withheld.add(normalized(address))

    def given(self, *, withheld: bool = False) -> Mapping[str, Credentials]:
        """By address: all that builds may use, except those of `elsewhere`. withheld: also those that builds may not."""
        with self._lock:
            chosen = (address for address in self._given if withheld or address not in self._withheld)
            found = {address: self._current(self._given[address]) for address in chosen}
        return {address: credentials for address, credentials in found.items() if credentials}

    def find(self, reference: str) -> Credentials | None:
        """Credentials for an image's full name or a repository; None if there are none."""
        return self.at(_address_of(reference))

    def at(self, address: str) -> Credentials | None:
        """Credentials for a registry, with or without a folder in it."""
        with self._lock:
            return self._applying(address)[0]

    def renew(self, reference: str, used: Credentials | None) -> Credentials | None:
        """Other credentials than `used`, which the registry of an image or a repository refused; None if there are none.
        However many threads ask, their source is asked once."""
        with self._lock:
            now, known = self._applying(_address_of(reference))
            if now == used and known is not None and known.ask is not None:
                now = self._asked(known)
        return now if now != used else None

    def _applying(self, address: str) -> tuple[Credentials | None, _Known | None]:
        """What applies to an address, and its entry. None: nothing does."""
        parts = normalized(address).split("/")
        for length in range(len(parts), 0, -1):
            part = "/".join(parts[:length])
            known = self._given.get(part)
            if known is None:
                known = self._found.setdefault(part, _Known(None, functools.partial(self._elsewhere, part)))
            found = self._current(known)
            if found or part in self._given:
                return found, known
        return None, None

    def _current(self, known: _Known) -> Credentials | None:
        if known.ask is None:
            return known.value
        if known.asked is None:
            return self._asked(known)
        if known.value is not None and self._clock() - known.asked > FRESH:
            try:
                return self._asked(known)
            except RegistryError:
                known.asked = self._clock()  # what it answered before may still be valid
        return known.value

    def _asked(self, known: _Known) -> Credentials | None:
        assert known.ask is not None
        known.value = known.ask()
        known.asked = self._clock()
        return known.value


def _known(found: Credentials | Ask) -> _Known:
    return _Known(found) if isinstance(found, Credentials) else _Known(None, found)


def _address_of(reference: str) -> str:
    """A reference with the name of its registry."""
    first, slash, _ = reference.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return reference if named else f"{HUB}/{reference}"


@dataclass(frozen=True)
class Command:
    """A command of the operator that prints credentials: a password or token for `user`, or JSON with both."""

    address: str
    text: str = field(repr=False)
    user: str | None = None

    def __call__(self) -> Credentials:
        """Run it by `sh -c`. RegistryError if it fails."""
        hint = f"run the command of {VARIABLE} for {self.address} yourself"
        try:
            done = subprocess.run(
                ["sh", "-c", self.text], env=for_others(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=COMMAND_TIMEOUT, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            why = (
                f"it took longer than {COMMAND_TIMEOUT:g} s" if isinstance(error, subprocess.TimeoutExpired) else error
            )
            raise RegistryError(f"the command for the credentials of {self.address} failed: {why}", hint=hint) from None
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            why = without(done.stdout, said[-1]) if said else f"exit code {done.returncode}"
            raise RegistryError(f"the command for the credentials of {self.address} failed: {why}", hint=hint)
        found = self._read(done.stdout.strip())
        if not found:
            raise RegistryError(f"the command for the credentials of {self.address} printed none", hint=hint)
        return found

    def _read(self, text: str) -> Credentials:
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if isinstance(data, dict) and not (self.user and "type" in data):  # the key of a service account is a password
            user = data.get("user") or data.get("username") or data.get("Username") or self.user
            secret = data.get("password") or data.get("Secret")
            return (
                Credentials(user, secret, data.get("token"))
                if user and secret
                else Credentials(token=data.get("token"))
            )
        return Credentials(self.user, text) if self.user and text else Credentials(token=text or None)


def normalized(address: str) -> str:
    """host[:port][/folder], as references begin: without a scheme, and docker.io for each name of Docker Hub."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    host, path = parts.netloc.lower(), parts.path.strip("/")
    host = HUB if host in _HUB_NAMES else host
    return f"{host}/{path}" if path and path not in ("v1", "v2") else host


def from_variable(text: str) -> dict[str, Credentials | Ask]:
    """Parse SHIPWAY_REGISTRY_AUTH: {"ADDRESS": {"user": …, "password": …}, {"token": …} or {"command": …}, …}.
    SecretError if it is invalid."""
    wanted = (
        '{"registry.example": {"user": "ci", "password": "…"}}, or {"token": "…"} or {"command": "…"} for an address'
    )
    try:
        data = json.loads(text)
        found = {str(address): _one(str(address), entry) for address, entry in data.get("auths", data).items()}
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise SecretError(f"{VARIABLE} can't be read", hint=f"expected: {wanted}") from error  # never show the content
    if not all(found.values()):
        raise SecretError(
            f"{VARIABLE} has an address without a user and a password, a token or a command", hint=f"expected: {wanted}"
        )
    return found


def _one(address: str, entry: Mapping[str, str]) -> Credentials | Ask:
    if entry.get("command"):
        return Command(address, str(entry["command"]), entry.get("user") or entry.get("username"))
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
