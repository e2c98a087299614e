"""Steps, checks, and the images that they and the services are built from."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from shipway.domain.build import BaseSource, BuildSource
from shipway.domain.plan import Plan, Step
from shipway.planfile.report import Path, Report, did_you_mean
from shipway.planfile.rules.references import all_known, cycles, known, ring
from shipway.planfile.sections import ALL


def check(plan: Plan, report: Report) -> None:
    """All rules of this module but the Dockerfiles."""
    for step in plan.pipeline.values():
        at = ("pipeline", step.name)
        all_known(report, (*at, "needs"), step.needs, "pipeline", "step")
        all_known(report, (*at, "with"), step.accessories, "accessories", "accessory")
        _built(step, plan, report)
    for names in cycles({step.name: step.needs for step in plan.pipeline.values()}):
        message = f"`{names[0]}` needs itself" if len(names) == 1 else f"the steps depend on each other: {ring(names)}"
        report.error(("pipeline", names[0], "needs"), message, "`needs` without a cycle")


def expand(plan: Plan, step: Step) -> tuple[str, ...]:
    """Services that a step builds: `all` means every one with a build."""
    if step.build == (ALL,):
        return tuple(service.name for service in plan.services.values() if service.build)
    return step.build


def _built(step: Step, plan: Plan, report: Report) -> None:
    at = ("pipeline", step.name, "build")
    names = expand(plan, step)
    if report.written(at) and not names and step.build == (ALL,):
        report.error(at, "no service has a `build`", "a service with `build: FOLDER`")
    for index, name in enumerate(names):
        item = (*at, index) if report.written((*at, index)) else at
        if name == ALL:
            report.error(item, "`all` can't be part of a list", f"build: {ALL}, or a list of services")
        elif known(report, item, name, "services", "service") and _only_pulled(name, report):
            message = f"the service `{name}` has no `build`: its image is used unchanged"
            report.error(item, message, "services with `build: FOLDER`")


def _only_pulled(service: str, report: Report) -> bool:
    return report.written(("services", service, "image")) and not report.written(("services", service, "build"))


def check_dockerfiles(plan: Plan, report: Report, files: Callable[[str], bool]) -> None:
    """Each built folder and Dockerfile must exist; reported once, at its first use."""
    seen: set[tuple[str, str]] = set()
    for path, source in sources_of(plan):
        if not source.folder or (source.folder, source.dockerfile) in seen:
            continue
        seen.add((source.folder, source.dockerfile))
        dockerfile = posixpath.normpath(posixpath.join(source.folder, source.dockerfile))
        if files(dockerfile):
            continue
        if source.folder != "." and not files(source.folder):
            guess = _meant_service(plan, source.folder) or did_you_mean(source.folder, _folders(plan))
            report.error(
                (*path, "folder"), f"there is no folder `{source.folder}`{guess}", "a folder with a Dockerfile in it"
            )
        else:
            where = (*path, "dockerfile" if report.written((*path, "dockerfile")) else "folder")
            report.error(
                where, f"there is no file `{dockerfile}`", "a folder with a Dockerfile in it, or `dockerfile:` its name"
            )


def sources_of(plan: Plan) -> Iterator[tuple[Path, BaseSource]]:
    """Every image that is built from the repository, also those that others are built on, with its path in the plan."""
    for path, source in builds_of(plan):
        yield path, source
        for name, base in source.bases.items():
            yield (*path, "args", name, "build"), base


def builds_of(plan: Plan) -> Iterator[tuple[Path, BuildSource]]:
    """Every image of a service, a step and a check that is built from the repository, with its path in the plan."""
    for service in plan.services.values():
        if service.build:
            yield ("services", service.name, "build"), service.build
    images = [("pipeline", step.name, step.image) for step in plan.pipeline.values()]
    images += [("checks", check.name, check.image) for check in plan.checks.values()]
    for section, name, image in images:
        if image and image.build:
            yield (section, name, "image", "build"), image.build


def _meant_service(plan: Plan, name: str) -> str:
    """A service whose name was used instead of its folder."""
    service = plan.services.get(name)
    if service and service.build and service.build.folder != name:
        return f"; the service `{name}` is built from `{service.build.folder}`"
    return ""


def _folders(plan: Plan) -> list[str]:
    return list(dict.fromkeys(service.build.folder for service in plan.services.values() if service.build))
