"""A deployment needs a recent verified backup, if the rules in force or its own plan require one. A rollback never does."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.backups import refused
from shipway.domain.errors import GateRefused
from shipway.domain.plan import Environment
from shipway.domain.rules import InForce


def require_backup(
    ctx: Context, app: str, environment: Environment, in_force: InForce | None, *, migrates: bool
) -> None:
    """GateRefused without one. Asked under the environment's lock, right before the deployment begins. Nothing is required
    where nothing runs yet."""
    if ctx.ledger.current(app, environment.name) is None:
        return
    given = [environment, *(rules for _, rules in (in_force.environments if in_force else ()))]
    required = dict.fromkeys(item.backups.require for item in given if item.backups and item.backups.require)
    backups, now = ctx.ledger.backups(app, environment.name), ctx.ledger.now()
    reasons = [text for rule in required if (text := refused(rule, backups, now, migrates=migrates))]
    if reasons:
        listed = "\n".join(f"  - {text}" for text in dict.fromkeys(reasons))
        raise GateRefused(
            f"{environment.name} rejects this deployment; nothing was changed:\n{listed}",
            hint=f"`shipway backup {environment.name}` takes and verifies one now",
        )
