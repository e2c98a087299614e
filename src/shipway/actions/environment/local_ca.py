"""The CAs that signed local certificates: what a browser must trust."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment


def authorities(ctx: Context, environment: Environment) -> list[str]:
    """CA certificates (PEM) of the environment's edges, without duplicates. UsageError if its certificate is from
    another issuer, or no edge has one yet."""
    if not (environment.certificate or {}).get("internal"):
        why = "is certified by a public authority" if environment.certificate else "has no https"
        raise UsageError(f"{environment.url} {why}", hint="browsers need to be told nothing")
    found = dict.fromkeys(ctx.on(host.name).edge.authority() for host in environment.hosts)
    known = [certificate for certificate in found if certificate]
    if not known:
        raise UsageError(
            f"no edge of {environment.name} has an authority yet", hint=f"shipway deploy {environment.name}"
        )
    return known


def how_to_trust(environment: Environment) -> str | None:
    """A hint for the first visit of the address; None if browsers trust it."""
    if not (environment.certificate or {}).get("internal"):
        return None
    return f"the certificate of {environment.url} is from the edge's own authority; trust what `shipway authority {environment.name}` prints"
