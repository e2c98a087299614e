"""The one-off tasks of a deployment. What has completed is recorded, so that a deployment that is resumed after its
controller died doesn't repeat it."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Sequence

from shipway.actions.deployments.plan import AFTER_DEPLOY, BEFORE_SWITCH, DeployRequest
from shipway.actions.environment.service_job import service_job
from shipway.context import Context
from shipway.domain.desired import Settings
from shipway.domain.errors import StepFailed
from shipway.domain.release import Evidence
from shipway.domain.tasks import Task
from shipway.steps.container import TIMED_OUT, run_container

KIND = "task"  # of the evidence
TAIL = 15  # lines of a failed one that are reported


def before_switch(ctx: Context, order: DeployRequest, settings: Settings, deployment: int) -> None:
    """Run those before the switch. StepFailed if one fails."""
    _run_all(ctx, order, settings, f"{BEFORE_SWITCH} of deployment {deployment}", order.environment.before_switch)


def after_deploy(ctx: Context, order: DeployRequest, settings: Settings, deployment: int) -> None:
    """Run those after the deployment. StepFailed if one fails; those behind it don't run."""
    tasks = order.environment.after_deploy
    try:
        _run_all(ctx, order, settings, f"{AFTER_DEPLOY} of deployment {deployment}", tasks)
    except StepFailed as error:
        raise StepFailed(
            f"release {order.release.number} serves, but {error.message}",
            hint="correct it and deploy again: the tasks of `after_deploy` run with each deployment",
        ) from error


def _run_all(ctx: Context, order: DeployRequest, settings: Settings, stage: str, tasks: Sequence[Task]) -> None:
    known = {
        item.name: item.passed
        for item in ctx.ledger.evidence(order.release.app, order.release.number)
        if (item.kind, item.environment) == (KIND, order.environment.name)
    }
    for number, task in enumerate(tasks, 1):
        name = f"{stage}: {number}"
        if known.get(name):
            continue
        if name in known:
            ctx.reporter.note(f"`{task.run}` had begun when its controller died: it runs again")
        _run(ctx, order, settings, name, task)


def _run(ctx: Context, order: DeployRequest, settings: Settings, name: str, task: Task) -> None:
    extra = {secret: settings.secrets[secret] for secret in task.secrets}
    job = service_job(order.release, order.environment, settings, task.service, extra, volumes=True)
    spec = dataclasses.replace(job, entrypoint=("sh", "-c"), command=(task.run,))
    lines: deque[str] = deque(maxlen=TAIL)

    def on_line(line: str) -> None:
        lines.append(line)
        ctx.reporter.line("task", line)

    _record(ctx, order, name, "began", passed=False)
    with ctx.part("task", task.run):
        code = run_container(ctx, spec, on_line=on_line, timeout=task.timeout)
        why = f"timed out after {task.timeout:g} s" if code == TIMED_OUT else f"exited with {code}"
        _record(ctx, order, name, why, passed=code == 0)
        if code != 0:
            raise StepFailed("\n".join([f"the task `{task.run}` {why}", *lines]))


def _record(ctx: Context, order: DeployRequest, name: str, detail: str, *, passed: bool) -> None:
    app, release = order.release.app, order.release.number
    ctx.ledger.add_evidence(
        Evidence(app, release, order.environment.name, KIND, name, passed, detail, ctx.clock())
    )  # fmt: skip
