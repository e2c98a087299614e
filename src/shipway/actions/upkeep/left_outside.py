"""What an environment has outside of its hosts, which `destroy` doesn't remove, and the commands that do."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.backups import STORED
from shipway.domain.provision import CHALLENGE, DNS, INFRA, remains


def left_outside(ctx: Context, app: str, environment: str) -> list[str]:
    """One line each: DNS records, challenges of a certificate that a dead process left, infrastructure and backups, as far as
    the ledger knows of them."""
    name = ctx.names.shown(app, environment)
    backups = [item for item in ctx.ledger.backups(app, environment) if item.outcome == STORED]
    stores = ", ".join(dict.fromkeys(item.store for item in backups))
    challenges = [item for item in ctx.ledger.provisions(app, environment, CHALLENGE) if item.finished is None]
    return [
        *([records_left(name)] if has_records(ctx, app, environment) else []),
        *(
            f"a challenge for its certificate stays in {item.digest}: remove the texts {item.detail}"
            for item in challenges
        ),
        *(
            [f"its infrastructure stays, and may cost money; to remove it: shipway infra {name} destroy"]
            if remains(ctx.ledger.provisions(app, environment, INFRA))
            else []
        ),
        *([f"its backups stay in {stores}: remove them there once they are no longer needed"] if backups else []),
    ]


def has_records(ctx: Context, app: str, environment: str) -> bool:
    """Whether Shipway made DNS records that may still be there."""
    return remains(ctx.ledger.provisions(app, environment, DNS))


def records_left(name: str) -> str:
    """About the records, with the command."""
    return (
        f"its DNS records stay, and lead to addresses that others may get; to remove them: shipway dns {name} --remove"
    )
