"""The volumes of services: which folders they may mount, and where their files are."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_NAME, ContainerSpec
from shipway.domain.errors import UsageError
from shipway.domain.mounts import is_folder
from shipway.domain.observed import DesiredState
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import Release


def require_listed(ctx: Context, desired: DesiredState) -> None:
    """UsageError if a service mounts a folder of the host that its operator did not list."""
    for spec in desired.services:
        for source in spec.volumes:
            if is_folder(source) and source not in ctx.folders:
                known = f"it lists {', '.join(ctx.folders)}" if ctx.folders else "it lists none"
                raise UsageError(
                    f"rejected: service {spec.labels[LABEL_NAME]} mounts the folder {source} of the host, which is not listed; "
                    f"nothing was changed",
                    hint=f"whoever operates the host sets SHIPWAY_FOLDERS={source} for Shipway's processes; {known}",
                )


def new_volumes(ctx: Context, specs: Sequence[ContainerSpec]) -> list[str]:
    """Volumes of these containers that don't exist yet."""
    found = dict.fromkeys(source for spec in specs for source in spec.volumes if not is_folder(source))
    return [name for name in found if not ctx.runtime.has_volume(name)]


def volumes_elsewhere(before: Plan | None, release: Release, environment: Environment) -> list[str]:
    """Volumes that would be empty, since the previous release's are on another host."""
    was = before.environments.get(environment.name) if before else None
    if before is None or was is None or was.hosts[0].name == environment.hosts[0].name:
        return []
    mine, theirs = volume_names(release.plan), volume_names(before)
    return [f"volume {name} (on {was.hosts[0].name})" for name in mine if name in theirs]


def volume_names(plan: Plan, *, snapshot: bool = False) -> list[str]:
    """Names of the engine's volumes in the plan, each once. snapshot: only those that snapshots include."""
    found = (volume for service in plan.services.values() for volume in service.volumes.values() if not volume.folder)
    return list(dict.fromkeys(volume.name for volume in found if volume.snapshot or not snapshot))


def kept_volumes(ctx: Context, app: str, environment: str) -> list[str]:
    """The engine's names of the environment's volumes on this host."""
    found = ctx.runtime.objects({LABEL_APP: app, LABEL_ENVIRONMENT: environment})
    return sorted(item.name for item in found if item.kind == "volume" and item.name.endswith(names.VOLUME))
