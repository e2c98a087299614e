"""What must not be in the output of an environment's containers."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.names import scope


def know_secrets(ctx: Context, app: str, environment: str) -> None:
    """Let the redactor know all values that a container may print: of each secret, each version, also of one that was
    removed, which the previous release has. SecretError if they can't be read, since nothing could be masked then."""
    where = scope(app, environment)
    for name, newest in ctx.secrets.names(where, removed=True).items():
        for version in range(1, newest + 1):
            kind, _, accessory = name.partition(":")
            value = ctx.secrets.get(where, name, version)
            ctx.redactor.add({f"{accessory} password" if kind == "accessory" else name: value} if value else {})
