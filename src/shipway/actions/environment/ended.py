"""When an environment last came to nothing: what was launched, seeded or backed up before is gone."""

from __future__ import annotations

from itertools import pairwise

from shipway.context import Context
from shipway.domain.provision import DESTROY, INFRA, SUCCEEDED
from shipway.domain.provisioned import HOSTS


def ended(ctx: Context, app: str, environment: str) -> float:
    """When it was destroyed, or the infrastructure that gave its hosts; 0: never."""
    destroyed = ctx.ledger.destroyed(app, environment)
    changes = ctx.ledger.provisions(app, environment, INFRA, outcome=SUCCEEDED)
    for last, before in pairwise(changes):
        if last.action == DESTROY and HOSTS in before.outputs:
            return max(destroyed, last.finished or last.started)
    return destroyed
