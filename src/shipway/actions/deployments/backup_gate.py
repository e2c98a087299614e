"""A deployment needs a recent verified backup, if the rules in force or its own plan require one. A rollback never does."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.backups import refused
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT
from shipway.domain.errors import GateRefused
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.rules import InForce


def require_backup(
    ctx: Context, release: Release, environment: Environment, in_force: InForce | None, *, migrates: bool
) -> None:
    """GateRefused without one. Asked under the environment's lock, right before the deployment begins. Nothing is required
    where nothing was deployed yet, or its host was lost: a backup of what isn't there can't be taken."""
    app = release.app
    if ctx.ledger.current(app, environment.name) is None:
        return
    given = [environment, *(rules for _, rules in (in_force.environments if in_force else ()))]
    required = dict.fromkeys(item.backups.require for item in given if item.backups and item.backups.require)
    backups, now = ctx.ledger.backups(app, environment.name), ctx.ledger.now()
    reasons = [text for rule in required if (text := refused(rule, backups, now, migrates=migrates))]
    if reasons and not _lost(ctx, release, environment):
        listed = "\n".join(f"  - {text}" for text in dict.fromkeys(reasons))
        raise GateRefused(
            f"{environment.name} rejects this deployment; nothing was changed:\n{listed}",
            hint=f"`shipway backup {environment.name}` takes and verifies one now",
        )


def _lost(ctx: Context, release: Release, environment: Environment) -> bool:
    """Whether the host of the database has nothing of the environment, not even a volume. An external database stays."""
    if release.migrated is not None and release.migrated.external:
        return False
    host = ctx.on(environment.hosts[0].name)
    return not host.runtime.objects({LABEL_APP: release.app, LABEL_ENVIRONMENT: environment.name})
