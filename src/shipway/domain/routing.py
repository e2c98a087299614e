"""How an environment's addresses are served: certificates, proxies in front, and routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from shipway.domain.value import dataclass

COSTLIEST = 12  # of bcrypt: a quarter of a second of a processor for each request to the edge, which all apps share


@dataclass(frozen=True)
class Tls:
    """How the certificate of an https address is obtained: from the edge's local CA, by ACME, or from secrets."""

    internal: bool = False
    acme: str | None = None  # e-mail address for notices of the CA
    server: str | None = None  # ACME directory; None: Let's Encrypt's
    trust: str | None = None  # CA certificates (PEM) to trust for the directory itself; None: the usual ones
    certificate: str | None = None  # name of a secret: one's own certificate with its chain, in PEM form
    key: str | None = None  # name of a secret: its private key
    challenge: str | None = None  # dns: Shipway proves to the CA that it controls the names in DNS

    @property
    def at_edge(self) -> dict[str, object]:
        """`tls` of a route table, if the edge obtains the certificate or a secret has it."""
        if self.internal or self.certificate:
            return {"own": True} if self.certificate else {"internal": True}
        given = {"email": self.acme, "server": self.server, "trust": self.trust}
        return {"acme": {key: value for key, value in given.items() if value}}

    @property
    def secrets(self) -> dict[str, str]:
        """Names of its secrets by what they hold."""
        found = {"certificate": self.certificate, "key": self.key}
        return {key: name for key, name in found.items() if name}


@dataclass(frozen=True)
class EdgeSettings:
    """An environment's settings of the edge."""

    trusted_proxies: tuple[str, ...] = ()  # addresses and ranges trusted to forward client addresses


@dataclass(frozen=True)
class Access:
    """Who may use an environment's addresses: both conditions must hold. By default everyone may."""

    users: str | None = None  # name of a secret with lines of `name:hash`
    allow: tuple[str, ...] = ()  # addresses and ranges of clients

    def opens(self, before: Access) -> bool:
        """Whether it lets in clients that another one, which it follows, keeps out."""
        without_users = bool(before.users) and not self.users
        return without_users or (bool(before.allow) and not (self.allow and set(self.allow) <= set(before.allow)))

    @property
    def text(self) -> str:
        """The conditions for display and comparison."""
        users = [f"users {self.users}"] if self.users else []
        return " and ".join([*users, *([f"from {' or '.join(self.allow)}"] if self.allow else [])]) or "everyone"


@dataclass(frozen=True)
class Routing:
    """How the edge serves a service, beside its path."""

    strip: bool = False  # the service doesn't see its path
    headers: Mapping[str, str] = field(default_factory=dict)  # of responses
    body: int | None = None  # bytes of a request's body
    compress: bool = False
    sticky: bool = False  # a visitor stays at one container of a release
    timeout: float | None = None  # seconds until the service must begin to respond
    protocol: str = "http"  # of its container: or h2c, HTTP/2 without TLS, as gRPC needs

    def options(self) -> dict[str, Any]:
        """As keys of a route in a route table: only those that are set, so that other tables stay equal."""
        found = {
            "strip": self.strip, "response_headers": dict(self.headers), "body": self.body, "compress": self.compress,
            "sticky": self.sticky, "timeout": self.timeout,
        }  # fmt: skip
        return {key: value for key, value in found.items() if value}


def user_lines(text: str) -> list[str]:
    """The lines of `name:hash` in a secret. ValueError with the number of a wrong line, never with its text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    users = set[str]()
    for number, line in enumerate(lines, start=1):
        found = re.fullmatch(r"([^:\s]+):\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", line)
        if found is None:
            raise ValueError(f"line {number} is not NAME:HASH with a bcrypt hash ($2y$…)")
        if found[1] in users:
            raise ValueError(f"line {number} is a second one of the same user: only one password can count")
        users.add(found[1])
        if not 4 <= int(found[2]) <= COSTLIEST:
            raise ValueError(
                f"line {number} has a bcrypt cost of {int(found[2])}, not 4 to {COSTLIEST}: the edge computes it for each request"
            )
    if not lines:
        raise ValueError("it has no line of NAME:HASH")
    return lines


def is_local(host: str) -> bool:
    """Whether no public CA can issue a certificate for this name."""
    return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".test", ".home.arpa"))
