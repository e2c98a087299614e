"""Run the steps of a pipeline: a graph, independent ones side by side, unchanged ones skipped, each journalled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TextIO

from shipway.domain import graph
from shipway.domain.container import LABEL_APP, LABEL_RUN
from shipway.domain.errors import ShipwayError, StepFailed
from shipway.domain.plan import Plan, Step
from shipway.domain.record import from_data, to_data
from shipway.domain.release import CANCELLED, FAILED, SKIPPED, SUCCEEDED
from shipway.ports import OnLine
from shipway.steps import artifacts, kind
from shipway.steps.artifacts import Artifact
from shipway.steps.command import command_key, run_command
from shipway.steps.image import build_images, image_key, still_there
from shipway.steps.reports import log_file
from shipway.steps.run import Run, StepResult

# Lines of image builds and pushes that only the log needs.
NOISE = re.compile(
    r"#\d+ (sha256:|transferring|DONE|exporting|writing|extracting|naming|\[internal\]|resolve|$)|[0-9a-f]{12}: |The push refers|$"
)
IMPLICIT = "images"  # step that builds what no step of the plan builds


def steps_of(plan: Plan, *, images: bool) -> dict[str, Step]:
    """The steps to run; without `images` those that build images for a deployment are left out.

    Services that no step builds are built by one more step at the end.
    """
    steps = dict(plan.pipeline)
    built = {name for step in steps.values() for name in step.build}
    missing = tuple(service.name for service in plan.services.values() if service.build and service.name not in built)
    if missing:
        name = IMPLICIT if IMPLICIT not in steps else f"{IMPLICIT}-rest"
        steps[name] = Step(name, build=missing, needs=tuple(steps))
    if images:
        return steps
    left_out = {name for name, step in steps.items() if step.build}
    left_out |= set(graph.blocked({name: step.needs for name, step in steps.items()}, left_out))
    return {name: step for name, step in steps.items() if name not in left_out}


def run_steps(run: Run, steps: Mapping[str, Step]) -> dict[str, StepResult]:
    """Run them all. Raises StepFailed when the rest has ended; what was begun is always taken away."""
    return _Pipeline(run, steps).run()


class _Pipeline:
    def __init__(self, run: Run, steps: Mapping[str, Step]) -> None:
        self.at, self.ctx, self.steps = run, run.ctx, steps
        self.needs = {name: step.needs for name, step in steps.items()}
        self.results: dict[str, StepResult] = {}
        self.failed: dict[str, ShipwayError] = {}

    def run(self) -> dict[str, StepResult]:
        running: dict[Future[StepResult], str] = {}
        begun: set[str] = set()
        try:
            with ThreadPoolExecutor(self.ctx.parallel) as pool:
                try:
                    while True:
                        for name in graph.ready(self.needs, self.results, begun):
                            begun.add(name)
                            running[pool.submit(self._step, self.steps[name])] = name
                        if not running:
                            break
                        for future in wait(running, return_when=FIRST_COMPLETED).done:
                            self._collect(running.pop(future), future)
                except BaseException:
                    self.ctx.cancelled.set()
                    sweep(self.at)
                    raise
        finally:
            sweep(self.at)
        self._report_blocked()
        if self.failed:
            raise self._failure()
        return self.results

    def _collect(self, name: str, future: Future[StepResult]) -> None:
        try:
            self.results[name] = future.result()
        except ShipwayError as error:
            self.failed[name] = error

    def _step(self, step: Step) -> StepResult:
        upstream = [artifact for name in graph.upstream(self.needs, step.name) for artifact in self.results[name].artifacts]
        started = self.ctx.clock()
        key = image_key(self.at, step, upstream) if step.build else command_key(self.at, step, upstream)
        self.ctx.ledger.begin_step(self.at.number, step.name, key, started)
        known = self._known(step, key)
        outcome, result = SUCCEEDED, StepResult()
        try:
            if known is not None:
                outcome, result = SKIPPED, known
                self.ctx.reporter.end(step.name, SKIPPED, None, "unchanged since it passed")
                return known
            self.ctx.reporter.begin(step.name, step.run or f"build {', '.join(step.build)}")
            result = self._attempts(step, upstream)
            self.ctx.reporter.end(step.name, SUCCEEDED, self.ctx.clock() - started, result.tests)
            return result
        except BaseException as error:
            outcome = CANCELLED if self.ctx.cancelled.is_set() else FAILED
            detail = error.message.splitlines()[0] if isinstance(error, ShipwayError) else type(error).__name__
            self.ctx.reporter.end(step.name, outcome, self.ctx.clock() - started, detail)
            raise
        finally:
            self.ctx.ledger.end_step(self.at.number, step.name, outcome, self.ctx.clock(), to_data(result))

    def _known(self, step: Step, key: str) -> StepResult | None:
        """The result of a run that passed with the same key, where all that it left is still there."""
        data = self.ctx.ledger.passed_step(self.at.plan.app, step.name, key)
        if data is None:
            return None
        result = from_data(StepResult, data)
        whole = all(artifacts.file(artifact, self.at.artifacts).exists() for artifact in result.artifacts)
        if not whole or (result.images and not still_there(self.at, result.images)):
            return None
        return result

    def _attempts(self, step: Step, upstream: list[Artifact]) -> StepResult:
        work = {"command": run_command, "image": build_images}[kind(step)]
        with log_file(self.at.log(step.name)).open("w", encoding="utf-8") as log:
            on_line = self._output(step.name, log)
            for left in range(step.retries, -1, -1):
                try:
                    return work(self.at, step, upstream, on_line)
                except StepFailed as error:
                    if not left or self.ctx.cancelled.is_set():
                        raise
                    on_line(f"{error.message}; trying again ({left} left)")
        raise AssertionError("unreachable")

    def _output(self, name: str, log: TextIO) -> OnLine:
        def on_line(text: str) -> None:
            line = self.ctx.redactor.line(text)
            log.write(line + "\n")
            log.flush()
            if not NOISE.match(line):
                self.ctx.reporter.line(name, line)

        return on_line

    def _report_blocked(self) -> None:
        for name, cause in graph.blocked(self.needs, self.failed).items():
            self.ctx.reporter.end(name, "blocked", None, f"needs {cause}, which failed")

    def _failure(self) -> ShipwayError:
        if len(self.failed) == 1:
            name, error = next(iter(self.failed.items()))
            message = f"step {name}: {error.message}"
            hint = error.hint or f"its whole output: {self.at.log(name)}"
            return type(error)(message, hint=hint)
        listed = "\n".join(f"  {name}: {error.message}" for name, error in self.failed.items())
        return StepFailed(f"{len(self.failed)} steps failed:\n{listed}", hint=f"whole outputs: {self.at.log('*').parent}")


def sweep(run: Run) -> None:
    """Remove every container of the run, and its network. Safe at any time."""
    found = run.ctx.runtime.list({LABEL_RUN: str(run.number), LABEL_APP: run.plan.app})
    if found:
        with ThreadPoolExecutor(len(found)) as pool:
            list(pool.map(lambda container: run.ctx.runtime.remove(container.id), found))
    run.ctx.runtime.remove_network(run.network)
