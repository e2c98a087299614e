"""How rollbacks are proven, and for which environments."""

from __future__ import annotations

from shipway.domain import graph
from shipway.domain.plan import Accessory, Plan, Step
from shipway.domain.proof import ROWS
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
    elif migrated := plan.migrated({}):
        _supported(migrated, plan, report)


def _supported(accessory: Accessory, plan: Plan, report: Report) -> None:
    """What proofs do only on PostgreSQL."""
    if accessory.kind == "postgres":
        return
    if plan.prove.mode == ROWS:
        message = f"no rows are generated for `{accessory.name}`, which is no PostgreSQL"
        report.error(("prove", "mode"), message, "`mode: schema` or `data`")
    if plan.prove.traffic:
        message = f"the frequent statements of `{accessory.name}` can't be read, since it is no PostgreSQL"
        report.error(("prove", "traffic"), message, "no `traffic`")


def _waits(step: Step, plan: Plan, report: Report) -> None:
    """A proof always waits for all images: no image can wait for it."""
    needs = {name: [need for need in item.needs if need in plan.pipeline] for name, item in plan.pipeline.items()}
    for name, item in plan.pipeline.items():
        if item.build and step.name in graph.upstream(needs, name):
            message = f"`{name}` builds images, so it can't depend on `{step.name}`, which proves them"
            report.error(("pipeline", name, "needs"), message, f"`needs` without `{step.name}`")


def _without_database(plan: Plan, report: Report) -> None:
    expected = "`database:` with its accessory, service and tool"
    tested = any(environment.launch.scenarios for environment in plan.environments.values())  # by system tests
    if report.written(("prove",)) and not tested:
        report.error(("prove",), "the plan has no `database`", expected)
    for environment in plan.environments.values():
        if environment.prove:
            report.error(("environments", environment.name, "prove"), "the plan has no `database`", expected)
    for step in plan.pipeline.values():
        if step.prove is not None:
            report.error(("pipeline", step.name, "prove"), "the plan has no `database`", expected)
