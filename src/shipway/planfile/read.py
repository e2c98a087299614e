"""From text to a Plan: check structure, then rules, and report all problems together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from shipway.domain.build import Builder
from shipway.domain.plan import PLAN_FILE, Environment, Plan, Service
from shipway.domain.value import dataclass
from shipway.domain.volumes import declared_by, variables_of
from shipway.planfile.document import Unreadable, compose
from shipway.planfile.placed import placed
from shipway.planfile.problem import DOCUMENTATION, ERROR, Problem
from shipway.planfile.report import INVALID, Report
from shipway.planfile.rules import Files, check
from shipway.planfile.rules.builds import check_builder
from shipway.planfile.rules.pipeline import expand
from shipway.planfile.rules.services import right_volume
from shipway.planfile.sections import PLAN

Images = Callable[[str], Mapping[str, object] | None]  # its configuration: Env, Volumes …; None if it is missing
Able = Callable[[], Builder | None]  # what this machine can build; None if that is unknown
Taken = Callable[[Plan, Environment], str | None]  # message about who is already served at the environment's address
Starts = Callable[[Service], str]  # the command by which a service migrates when it starts; empty: none is seen


@dataclass(frozen=True)
class Reading:
    """The result of parsing: a plan unless there are errors, and all problems in the order of the file."""

    plan: Plan | None
    problems: tuple[Problem, ...]


def read(
    text: str, file: str, files: Files | None, images: Images | None = None, taken: Taken | None = None,
    starts: Starts | None = None, builder: Able | None = None, *, place: str = PLAN_FILE,
) -> Reading:  # fmt: skip
    """Never raises because of the text. file: for messages. images: an image's configuration on the engine, by name.
    taken: who is already served at an environment's address. starts: by which command a service migrates when it starts.
    builder: what can be built there. place: path of the file in the repository."""
    report = Report(file, PLAN.fields)
    plan = None
    try:
        root = compose(text)
    except Unreadable as error:
        problem = Problem(
            ERROR, file, error.mark.line, error.mark.column, "", error.message, error.expected, DOCUMENTATION
        )
        return Reading(None, (problem,))
    report.place((), root)
    found = PLAN.read(root, (), report)
    if found is not INVALID:
        check(found, report, files)
        for accessory in found.accessories.values() if images else ():
            config = images(accessory.image) if images and accessory.image else None
            right_volume(accessory, report, declared_by(config), variables_of(config))
        for environment in found.environments.values() if taken else ():
            at = ("environments", environment.name, "url")
            if taken is not None and not report.failed(at) and (message := taken(found, environment)):
                report.warn(at, message, "another address: deployments to this machine are rejected")
        if builder is not None:
            check_builder(found, report, builder)
        if starts is not None:
            _name_starts(found, starts, report)
        steps = {step.name: replace(step, build=expand(found, step)) for step in found.pipeline.values()}
        plan = placed(replace(found, pipeline=steps), place, report)
    problems = tuple(report.problems())
    valid = not any(problem.severity == ERROR for problem in problems)
    return Reading(plan if valid else None, problems)


def _name_starts(plan: Plan, starts: Starts, report: Report) -> None:
    """Report services that migrate when they start, unless the plan says so."""
    database = plan.database
    for service in plan.services.values():
        if (database and database.on_start) or not (command := starts(service)):
            continue
        message = f"runs `{command}` when it starts, which no proof and no snapshot covers"
        if database is not None:
            message = f"runs `{command}` when it starts, although `database` migrates before that"
        report.warn(
            ("services", service.name),
            message,
            f"`database: {{accessory: …, service: {service.name}, tool: on-start}}`, or an image that doesn't migrate",
        )
