"""Steps of the pipeline on the working tree."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipway.actions.development.images import drop_old
from shipway.actions.development.session import Session
from shipway.actions.environment.caches import prune_caches_daily
from shipway.actions.runs.resume import open_run
from shipway.actions.runs.scheduler import only_step, run_steps
from shipway.context import Context
from shipway.domain.development import step_of_tests
from shipway.domain.errors import UsageError
from shipway.domain.plan import Plan, Step
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, Trigger
from shipway.steps import kind_of
from shipway.steps.resume import scratch
from shipway.steps.run import Run

LOGS, IMAGES = 20, 10  # newest runs whose logs stay, and images of steps
OLD = 7 * 86400.0  # seconds after which an unused output of a step is removed


def run_step(session: Session, name: str) -> None:
    """Run a step of the pipeline, and those that it needs unless they are unchanged since they passed, on the working tree. Steps that build or prove a release are left
    out: nothing is pushed. StepFailed as in a run."""
    plan = session.written
    steps = only_step(plan, name)
    if kind_of(steps[name]).builds_images or kind_of(steps[name]).needs_images:
        raise UsageError(
            f"the step {name} makes images of a release, which a working tree never does",
            hint="`shipway dev` builds the images of services; `shipway run --step` runs the step for a commit",
        )
    _run(session, plan, steps, name)


def run_tests(session: Session, arguments: Sequence[str]) -> None:
    """Run the step with the app's tests, with further arguments for its command."""
    plan = session.written
    chosen = step_of_tests(plan, arguments)
    own = dataclasses.replace(plan, pipeline={**plan.pipeline, chosen.name: chosen})
    _run(session, own, only_step(own, chosen.name), chosen.name)


def _run(session: Session, plan: Plan, steps: Mapping[str, Step], name: str) -> None:
    ctx = session.ctx
    kept = {
        key: dataclasses.replace(step, needs=tuple(need for need in step.needs if not _releases(steps.get(need))))
        for key, step in steps.items()
        if not _releases(step)
    }
    own = dataclasses.replace(plan, registry=None, pipeline=kept)
    session.prepare()
    tree = session.run
    trigger = Trigger("manual", "the working tree", ctx.actor)
    with open_run(ctx, tree.commit, own.app, trigger) as (held, number, resumed):
        folder, outcome = scratch(ctx.home, number), FAILED
        try:
            folder.mkdir(parents=True, exist_ok=True)
            at = Run(
                held, tree.repository, tree.commit, own, number, folder, tree.registry, tree.version, "working-tree",
                level=session.checkout.environment, again=name, step_images=tree.step_images,
            )  # fmt: skip
            run_steps(at, kept, resumed)
            outcome = SUCCEEDED
        except BaseException:
            outcome = CANCELLED if ctx.cancelled.is_set() else FAILED
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            held.ledger.end_run(number, outcome, ctx.clock())
            _tidy(held, own.app, tree.step_images)


def _releases(step: Step | None) -> bool:
    kind = kind_of(step) if step is not None else None
    return kind is not None and (kind.builds_images or kind.needs_images)


def _tidy(ctx: Context, app: str, images: str) -> None:
    """Remove what earlier runs of this checkout left, as far as that is possible."""
    runs = sorted((ctx.home / "logs" / app).glob("[0-9]*"), key=lambda path: int(path.name), reverse=True)
    for folder in runs[LOGS:]:
        shutil.rmtree(folder, ignore_errors=True)
    for path in (ctx.home / "artifacts").glob("*"):
        if _age(ctx, path) > OLD:
            path.unlink(missing_ok=True)
    drop_old(ctx, images, IMAGES)
    prune_caches_daily(ctx, app)


def _age(ctx: Context, path: Path) -> float:
    try:
        return ctx.clock() - path.stat().st_mtime
    except OSError:
        return 0.0
