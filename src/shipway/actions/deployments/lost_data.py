"""Data that is gone with its machine: what a deployment would create empty is said before, or needs a decision."""

from __future__ import annotations

from shipway.actions.environment.ended import lost_since
from shipway.actions.environment.service_volumes import volume_names
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import last_good
from shipway.domain.mounts import is_folder
from shipway.domain.observed import DesiredState
from shipway.domain.plan import Plan
from shipway.domain.platform import in_cluster
from shipway.system.durations import timestamp


def destroyed_data(ctx: Context, before: Plan | None, environment: str) -> str:
    """What went with the hosts of destroyed infrastructure, as a statement; empty if nothing did."""
    found = lost_since(ctx, before.app, environment) if before else None
    if before is None or found is None:
        return ""
    data = [name for name, item in before.own_accessories.items() if item.volume]
    data += [f"volume {name}" for name in volume_names(before)]
    if not data:
        return ""
    shown = ctx.names.shown(before.app, environment)
    return (
        f"the infrastructure of {shown} was destroyed at {timestamp(found.at)} UTC by {found.actor}, with {', '.join(sorted(found.hosts))} and "
        f"the data there: {', '.join(data)} would start empty"
    )


def way_back(ctx: Context, app: str, environment: str) -> str:
    """How to get it from a backup, if there is one."""
    found = last_good(ctx.ledger.backups(app, environment))
    if found is None:
        return "the ledger has no good backup of it"
    return (
        f"the newest good backup is of {timestamp(found.started)} UTC: "
        f"`shipway restore {environment} --backup latest --identity FILE` brings it back into what is empty"
    )


def starts_empty(ctx: Context, before: Plan | None, desired: DesiredState) -> list[str]:
    """Accessories that had data, and have no volume on this host (context) any more."""
    found: list[str] = []
    if in_cluster(ctx.machine.name):  # its claims stay with it
        return found
    for name, item in before.own_accessories.items() if before else ():
        called = names.accessory(desired.app, desired.environment, name)
        spec = next((spec for spec in desired.accessories if spec.name == called), None)
        volumes = [source for source in spec.volumes if not is_folder(source)] if spec and item.volume else []
        if volumes and not any(ctx.runtime.has_volume(volume) for volume in volumes):
            found.append(name)
    return found
