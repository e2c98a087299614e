"""What a user can do if the proofs show no safe rollback."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.actions.snapshots.snapshot import snapshots
from shipway.context import Context
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment, Release
from shipway.domain.schema_history import own_schema
from shipway.system.durations import timestamp


def remedies(ctx: Context, target: Release, environment: Environment, deployments: Sequence[Deployment]) -> str:
    """The options as text, one per line."""
    name = environment.name
    own = own_schema(deployments, target)
    known = (item for item in snapshots(ctx, target.app, name) if item.schema == own)
    usable = next(known, None)
    restoring = (
        f"  restore snapshot {usable.number} of {timestamp(usable.at)} ({usable.cause}), then roll back: data written since is "
        f"lost; `shipway restore {name} {usable.number}` shows it first"
    ) if usable else "  restore a snapshot: not possible, since none has that schema"  # fmt: skip
    return "\n".join([
        "options:",
        f"  roll forward: fix the release and deploy it; meanwhile, `shipway maintenance on {name}` blocks the traffic",
        restoring,
        f"  waive the failed proof: shipway waive RELEASE --env {name} --reason TEXT",
        f"  override the plan: shipway rollback {name} --reason TEXT --keep-schema, or --revert-schema (runs the down migrations, whatever their effect)",
    ])  # fmt: skip
