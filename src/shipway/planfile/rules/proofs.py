"""How rollbacks are proven, and for which environments."""

from __future__ import annotations

from shipway.domain import graph
from shipway.domain.plan import Plan, Step
from shipway.planfile.report import Report
from shipway.planfile.rules.references import known


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    for scenario in plan.prove.exercise.values():
        at = ("prove", "scenarios", scenario.name)
        if (
            known(report, (*at, "service"), scenario.service, "services", "service")
            and scenario.kind == "job"
            and not plan.workers
        ):
            report.error((*at, "kind"), "no service is a worker: all have a port", "`kind: write` or `read`")
    for step in plan.pipeline.values():
        if step.prove is not None:
            known(report, ("pipeline", step.name, "prove"), step.prove, "environments", "environment")
            _waits(step, plan, report)
    if plan.database is None:
        _without_database(plan, report)


def _waits(step: Step, plan: Plan, report: Report) -> None:
    """A proof always waits for all images: no image can wait for it."""
    needs = {name: [need for need in item.needs if need in plan.pipeline] for name, item in plan.pipeline.items()}
    for name, item in plan.pipeline.items():
        if item.build and step.name in graph.upstream(needs, name):
            message = f"`{name}` builds images, so it can't depend on `{step.name}`, which proves them"
            report.error(("pipeline", name, "needs"), message, f"`needs` without `{step.name}`")


def _without_database(plan: Plan, report: Report) -> None:
    expected = "`database:` with its accessory, service and tool"
    if report.written(("prove",)):
        report.error(("prove",), "the plan has no `database`", expected)
    for environment in plan.environments.values():
        if environment.prove:
            report.error(("environments", environment.name, "prove"), "the plan has no `database`", expected)
    for step in plan.pipeline.values():
        if step.prove is not None:
            report.error(("pipeline", step.name, "prove"), "the plan has no `database`", expected)
