"""What builds get beside their folder: images of other services, folders, secrets, a cache."""

from __future__ import annotations

from collections.abc import Callable

from shipway.domain.build import Builder, BuildSource, features, lacking
from shipway.domain.plan import Plan
from shipway.planfile.report import Path, Report
from shipway.planfile.rules.pipeline import builds_of, expand, sources_of
from shipway.planfile.rules.references import cycles, known, ring


def check(plan: Plan, report: Report) -> None:
    """All rules of this module but the folders."""
    for at, source in builds_of(plan):
        _based_on(at, source, plan, report)
        if source.bases and len(source.platforms) > 1:
            message = "can't be combined with a base image of one platform, which `build` in `args` makes"
            report.error((*at, "platforms"), message, "`image:` with the name of a service, or one platform")
        if source.cache and plan.registry is None and not report.written(("registry",)):
            message = "has no effect: without `registry`, images stay on this machine, which has their layers"
            report.warn((*at, "cache"), message, "`registry:`")
    _no_cycle(plan, report)


def _based_on(at: Path, source: BuildSource, plan: Plan, report: Report) -> None:
    for name, service in source.images.items():
        path = (*at, "args", name, "image")
        if known(report, path, service, "services", "service") and not report.written(("services", service, "build")):
            message = f"the service `{service}` has no `build`: its image is used unchanged"
            report.error(path, message, "the name of that image as a text, or a service with `build:`")


def _no_cycle(plan: Plan, report: Report) -> None:
    bases = {service.name: list(service.build.images.values()) for service in plan.services.values() if service.build}
    found = cycles({name: [item for item in items if item in bases] for name, items in bases.items()})
    for names in found:
        message = "is built on itself" if len(names) == 1 else f"images are built on each other: {ring(names)}"
        report.error(("services", names[0], "build"), message, "`args` without a cycle")
    if found:
        return
    built = {step.name: expand(plan, step) for step in plan.pipeline.values()}
    needs = {step.name: list(step.needs) for step in plan.pipeline.values()}
    before = {tuple(names) for names in cycles(needs)}
    for name, services in built.items():
        wanted = {base for service in services for base in bases.get(service, ())} - set(services)
        needs[name] += [other for other, items in built.items() if wanted & set(items)]
    for names in cycles(needs):
        if tuple(names) not in before:
            message = f"builds an image that is built on one of a later step: {ring(names)}"
            report.error(("pipeline", names[0]), message, "one step that builds both, or `needs` the other way round")


def check_contexts(plan: Plan, report: Report, files: Callable[[str], bool]) -> None:
    """Each folder of `contexts` must exist."""
    for at, source in sources_of(plan):
        for name, folder in source.contexts.items():
            if folder and folder != "." and not files(folder):
                report.error((*at, "contexts", name), f"there is no folder `{folder}`", "a folder of the repository")


def check_builder(plan: Plan, report: Report, builder: Callable[[], Builder | None]) -> None:
    """What this machine can't build. builder: only asked where that matters; None: nothing is known of it."""
    for at, source in sources_of(plan):
        if not features(source):
            continue
        found = builder()
        for key, (why, remedy) in lacking(found, source).items() if found else ():
            report.warn((*at, key), f"can't be built on this machine: {why}", remedy)
