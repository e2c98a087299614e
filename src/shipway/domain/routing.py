"""How an environment's addresses are served: certificates, proxies in front, and routes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tls:
    """How the certificate of an https address is obtained: from the edge's local CA, or by ACME."""

    internal: bool = False
    acme: str | None = None  # e-mail address for notices of the CA
    server: str | None = None  # ACME directory; None: Let's Encrypt's
    trust: str | None = None  # CA certificates (PEM) to trust for the directory itself; None: the usual ones


@dataclass(frozen=True)
class EdgeSettings:
    """An environment's settings of the edge."""

    trusted_proxies: tuple[str, ...] = ()  # addresses and ranges trusted to forward client addresses


def is_local(host: str) -> bool:
    """Whether no public CA can issue a certificate for this name."""
    return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".test", ".home.arpa"))
