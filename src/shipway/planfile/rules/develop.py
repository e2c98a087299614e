"""How services run on a developer's machine."""

from __future__ import annotations

from collections.abc import Callable

from shipway.domain.plan import Plan
from shipway.planfile.report import Report


def check(plan: Plan, report: Report) -> None:
    """All rules of this module but the existence of folders."""
    for service in plan.services.values():
        own = service.develop
        if own is None:
            continue
        at = ("services", service.name, "develop")
        if own.target and report.written(("services", service.name, "image")):
            report.error(
                (*at, "target"), "selects a stage of a build, and the service has none", "`build`, or no `target`"
            )
        both = [folder for folder in own.sync if folder in own.mount]
        if both:
            message = f"`{both[0]}` is in `mount` and in `sync`"
            report.error((*at, "sync"), message, "each folder in one of them")
        if own.restart is not None and not own.laid:
            message = "has no effect without `mount` or `sync`: a changed file of the build replaces the container"
            report.warn((*at, "restart"), message, "no `restart`, or a `mount`")
        if own.port and not service.port:
            report.error((*at, "port"), "is for a service that has a `port`", "`port` of the service")


def check_folders(plan: Plan, report: Report, files: Callable[[str], bool]) -> None:
    """The folders exist."""
    for service in plan.services.values():
        for key in ("mount", "sync"):
            for folder in getattr(service.develop, key) if service.develop else ():
                at = ("services", service.name, "develop", key, folder)
                if not report.failed(at) and not files(folder):
                    report.error(
                        at, f"there is no folder `{folder}`", "a folder of the repository, relative to the plan"
                    )
