"""The CAs that signed local certificates: what a browser must trust."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.errors import EngineError, UsageError
from shipway.domain.plan import Environment


def ca_certificates(ctx: Context, environment: Environment) -> list[str]:
    """CA certificates (PEM) of the environment's edges, without duplicates. UsageError if its certificate is from
    another issuer, or no edge has one yet; EngineError if no host answers."""
    if not (environment.certificate or {}).get("internal"):
        why = "has a certificate of a public CA" if environment.certificate else "doesn't use https"
        raise UsageError(f"{environment.url} {why}", hint="there is no local CA to trust")
    found: dict[str | None, None] = {}
    away: list[EngineError] = []
    for host in environment.hosts:
        try:
            found[ctx.on(host.name).edge.authority()] = None
        except EngineError as error:
            away.append(error)
            ctx.reporter.note(f"without that of {host.name}: {error.message}")
    if len(away) == len(environment.hosts):
        raise away[0]
    known = [certificate for certificate in found if certificate]
    if not known:
        raise UsageError(f"no edge of {environment.name} has a local CA yet", hint=f"shipway deploy {environment.name}")
    return known


def how_to_trust(environment: Environment) -> str | None:
    """A hint for the first visit of the address; None if browsers trust it."""
    if not (environment.certificate or {}).get("internal"):
        return None
    return f"the certificate of {environment.url} is issued by the edge's local CA; trust the certificate that `shipway local-ca {environment.name}` prints"
