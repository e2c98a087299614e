"""The configuration files of services."""

from __future__ import annotations

from collections.abc import Callable

from shipway.domain.plan import Plan, Service
from shipway.planfile.report import Report
from shipway.planfile.values import mount
from shipway.system.patterns import is_pattern


def check(plan: Plan, report: Report) -> None:
    """All rules of this module but the existence of the files."""
    for service in plan.services.values():
        at = ("services", service.name, "files")
        if service.files and report.written(("services", service.name, "build")):
            message = "is only for images that are used unchanged"
            report.error(at, message, "`COPY` in the Dockerfile, so that the file is part of the image")
        for path in service.files:
            _path(service, path, report)


def check_sources(plan: Plan, report: Report, files: Callable[[str], bool]) -> None:
    """The files exist, and so do the plan's inputs."""
    for path in plan.inputs:
        if not is_pattern(path) and not files(path):
            report.warn(("inputs",), f"there is no `{path}`", "a path relative to the plan, such as ../../packages/ui")
    for service in plan.services.values():
        for path, source in service.files.items():
            at = ("services", service.name, "files", path)
            if source and not report.failed(at) and not files(source):
                report.error(at, f"there is no file `{source}`", "a committed file, relative to the plan")


def _path(service: Service, path: str, report: Report) -> None:
    at = ("services", service.name, "files", path)
    try:
        mount(path)
    except ValueError as error:
        report.error(at, str(error), "another path")
        return
    for other in service.files:
        if other.startswith(f"{path}/"):
            report.error(at, f"`{path}` would be a file and a folder", "another path")
    for volume in service.volumes.values():
        if f"{path}/".startswith(f"{volume.path}/"):
            message = f"is in the volume `{volume.name}`, which keeps its own files"
            report.error(at, message, "a path outside of the service's volumes")
