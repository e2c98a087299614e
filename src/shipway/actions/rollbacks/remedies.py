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
        f"  restore snapshot {usable.number} of {timestamp(usable.at)} ({usable.cause}), then roll back: what was written since "
        f"is lost, as `shipway restore {name} {usable.number}` says before it acts"
    ) if usable else "  restore a snapshot: there is none of that schema"  # fmt: skip
    return "\n".join([
        "what you can do:",
        f"  roll forward: repair it, and deploy; meanwhile `shipway maintenance on {name}` holds the traffic",
        restoring,
        f"  take what the proof found, in writing: shipway accept RELEASE --env {name} --reason TEXT",
        f"  insist: shipway rollback {name} --reason TEXT with --code-only, or with --force-down (the down scripts, whatever they do)",
    ])  # fmt: skip
