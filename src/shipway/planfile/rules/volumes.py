"""The volumes of services: paths that hide each other, sharing, and environments with several hosts."""

from __future__ import annotations

from shipway.domain.plan import Plan, Service
from shipway.planfile.report import Report


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    owners: dict[str, Service] = {}
    for service in plan.services.values():
        _paths(service, report)
        for volume in service.volumes.values():
            at = ("services", service.name, "volumes", volume.name)
            if volume.folder and report.written((*at, "snapshot")):
                message = "has no effect on a folder of the host, which is in no snapshot"
                report.error((*at, "snapshot"), message, "no `snapshot`, or no `folder`")
            if volume.name in plan.accessories:
                report.error(at, f"an accessory is also named `{volume.name}`", "another name: both name a volume")
            first = owners.setdefault(volume.name, service).volumes[volume.name]
            if (first.folder, first.snapshot) != (volume.folder, volume.snapshot):
                message = f"`{owners[volume.name].name}` has the volume `{volume.name}` with other settings"
                report.error(at, message, "the same `folder` and `snapshot` in all services that share it")
    _several_hosts(plan, report)


def _paths(service: Service, report: Report) -> None:
    known: dict[str, str] = {}
    for volume in service.volumes.values():
        at = ("services", service.name, "volumes", volume.name)
        if report.failed(at) or report.failed((*at, "path")) or not volume.path:
            continue
        other = next((name for name, path in known.items() if _overlap(path, volume.path)), None)
        if other:
            message = f"`{volume.path}` and `{known[other]}` of the volume `{other}` contain each other"
            report.error(at, message, "a separate path for each volume")
        if service.assets and _overlap(service.assets, volume.path):
            message = f"`{volume.path}` hides the service's `assets`, which are files of its image"
            report.error(at, message, "another path")
        known[volume.name] = volume.path


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _several_hosts(plan: Plan, report: Report) -> None:
    several = next((item for item in plan.environments.values() if len(item.hosts) > 1), None)
    if several is None:
        return
    for service in plan.services.values():
        for volume in service.volumes.values():
            if not volume.folder:
                message = (
                    f"would be another volume on each of the {len(several.hosts)} hosts of `{several.name}`: "
                    f"a file uploaded to one is missing on the others"
                )
                report.error(
                    ("services", service.name, "volumes", volume.name),
                    message,
                    "one host; an object store; or a `folder:` that all hosts mount from the same file server",
                )
