"""Run the steps of a pipeline: a graph with independent steps in parallel, unchanged ones skipped, and a journal of
each."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from shipway.actions.runs.clean_up import clean_up
from shipway.domain import graph
from shipway.domain.container import ContainerInfo
from shipway.domain.errors import ShipwayError, StepFailed, UsageError
from shipway.domain.plan import Plan, Step
from shipway.domain.release import CANCELLED, FAILED, PENDING, SKIPPED, SUCCEEDED, digest_of
from shipway.domain.run import StepRecord, StepResult
from shipway.steps import artifacts, kind_of
from shipway.steps.image import still_there
from shipway.steps.log import StepLog
from shipway.steps.resume import ResumeState, attempt_of, log_of
from shipway.steps.run import PROTECTED, Attempt, Inputs, Run
from shipway.system.redact import Lines

# Output lines of image builds and pushes that only go to the log.
NOISE = re.compile(
    r"#\d+ (sha256:|transferring|DONE|exporting|writing|extracting|naming|\[internal\]|resolve|$)|[0-9a-f]{12}: |The push refers|$"
)
IMPLICIT = "images"  # step that builds what no step of the plan builds


def steps_of(plan: Plan, *, images: bool) -> dict[str, Step]:
    """The steps to run; without `images`, omits those that build images for a deployment or prove them.

    A final step builds services that no step builds; proofs wait for all images.
    """
    steps = dict(plan.pipeline)
    built = {name for step in steps.values() for name in step.build}
    missing = tuple(service.name for service in plan.services.values() if service.build and service.name not in built)
    if missing:
        name = IMPLICIT if IMPLICIT not in steps else f"{IMPLICIT}-rest"
        proofs = {name for name, step in steps.items() if kind_of(step).needs_images}
        later = proofs | set(graph.blocked({name: step.needs for name, step in steps.items()}, proofs))
        steps[name] = Step(name, build=missing, needs=tuple(name for name in steps if name not in later))
    builds = [name for name, step in steps.items() if kind_of(step).builds_images]
    for name, bases in _bases(plan, steps).items():
        steps[name] = dataclasses.replace(steps[name], needs=tuple(dict.fromkeys((*steps[name].needs, *bases))))
    for name, step in steps.items():
        if kind_of(step).needs_images:
            steps[name] = dataclasses.replace(step, needs=tuple(dict.fromkeys((*step.needs, *builds))))
    if images:
        return steps
    kinds = {name: kind_of(step) for name, step in steps.items()}
    left_out = {name for name, kind in kinds.items() if kind.builds_images or kind.needs_images}
    left_out |= set(graph.blocked({name: step.needs for name, step in steps.items()}, left_out))
    return {name: step for name, step in steps.items() if name not in left_out}


def _bases(plan: Plan, steps: Mapping[str, Step]) -> dict[str, list[str]]:
    """By step that builds: the other steps that build what its images are built on."""
    found: dict[str, list[str]] = {}
    for name, step in steps.items():
        sources = [plan.services[service].build for service in step.build]
        wanted = {base for source in sources if source for base in source.images.values()} - set(step.build)
        found[name] = [other for other, item in steps.items() if wanted & set(item.build)]
    return found


def only_step(plan: Plan, name: str) -> dict[str, Step]:
    """One step and those that it needs. UsageError if there is none of that name."""
    steps = steps_of(plan, images=True)
    if name not in steps:
        raise UsageError(f"the plan of {plan.app} has no step {name!r}", hint=f"it has: {', '.join(steps) or 'none'}")
    wanted = {name, *graph.upstream({item: step.needs for item, step in steps.items()}, name)}
    return {item: step for item, step in steps.items() if item in wanted}


def run_steps(run: Run, steps: Mapping[str, Step], resumed: ResumeState) -> dict[str, StepResult]:
    """Run all steps, resuming from the state of a process that died.

    Raises StepFailed when the others have ended; containers are always removed.
    """
    return _Pipeline(run, steps, resumed).run()


class _Pipeline:
    def __init__(self, run: Run, steps: Mapping[str, Step], resumed: ResumeState) -> None:
        self.at, self.ctx, self.steps, self.resumed = run, run.ctx, steps, resumed
        self.needs = {name: step.needs for name, step in steps.items()}
        self.results: dict[str, StepResult] = {}
        self.failed: dict[str, ShipwayError] = {}
        self.started: set[str] = set()  # steps, by this process

    def run(self) -> dict[str, StepResult]:
        running: dict[Future[StepResult], str] = {}
        begun: set[str] = set()
        try:
            self._drop_others()
            with ThreadPoolExecutor(self.ctx.parallel) as pool:
                try:
                    while True:
                        free = self.ctx.parallel - len(running)  # of several that could run, the plan's first does
                        for name in graph.runnable(self.needs, self.results, begun)[:free]:
                            begun.add(name)
                            running[pool.submit(self._step, self.steps[name])] = name
                        if not running:
                            break
                        for future in wait(running, return_when=FIRST_COMPLETED).done:
                            self._collect(running.pop(future), future)
                except BaseException:
                    self.ctx.cancelled.set()
                    self._sweep()
                    raise
        finally:
            try:
                self._sweep()
            except KeyboardInterrupt:  # it comes only once
                self._sweep()
                raise
        self._report_blocked()
        if self.failed:
            raise self._failure()
        return self.results

    def _sweep(self) -> None:
        wait(self.at.connecting)  # else what is being created would stay
        clean_up(self.ctx, self.at.plan.app, self.at.number)

    def _drop_others(self) -> None:
        """Remove containers of steps that a previous process started and this run doesn't need."""
        for name, record in self.resumed.journal.items():
            if name not in self.steps and record.outcome == PENDING:
                self._remove(name)
                self.ctx.ledger.end_step(self.at.number, name, CANCELLED, self.ctx.clock())

    def _remove(self, name: str) -> None:
        """Remove the containers of a step that a previous process started."""
        for container in self.resumed.of(name):
            self.ctx.runtime.remove(container.id)

    def _collect(self, name: str, future: Future[StepResult]) -> None:
        try:
            self.results[name] = future.result()
        except ShipwayError as error:
            self.failed[name] = error

    def _step(self, step: Step) -> StepResult:
        record = (
            None
            if self.started.intersection(graph.upstream(self.needs, step.name))
            else self.resumed.journal.get(step.name)
        )
        if record and (record.failed or (record.passed and self._is_whole(record.result))):
            return self._taken(step, record)
        begun = self.resumed.begun(step.name) if record else None
        if record and begun:
            return self._work(step, record.key, record.started, begun)
        self.started.add(step.name)
        self._remove(step.name)
        started = self.ctx.clock()
        key = kind_of(step).key(self.at, step, self._inputs(step))
        known = self._known(step, key)
        for scope in self._scopes(step):
            if known is None:
                key = digest_of([key, scope])
                known = self._known(step, key)
        self.ctx.ledger.begin_step(self.at.number, step.name, key, started)
        return self._work(step, key, started, None, known)

    def _scopes(self, step: Step) -> list[str]:
        """Where the step's results count, if not everywhere: results of the protected branch do."""
        level = [f"level {self.at.level}"] if step.caches and self.at.level != PROTECTED else []
        return level + ([] if self.at.counts else [self.at.branch])

    def _inputs(self, step: Step) -> Inputs:
        needs = graph.upstream(self.needs, step.name)
        made = [artifact for name in needs for artifact in self.results[name].artifacts]
        results = self.results.copy().values()  # the other threads' steps add theirs
        images = {name: image for result in results for name, image in result.images.items()}
        return Inputs(made, images)

    def _taken(self, step: Step, record: StepRecord) -> StepResult:
        """The result that a previous process recorded."""
        took = record.finished - record.started if record.finished else None
        detail = record.failure.splitlines()[0] if record.failed else record.result.tests
        self.ctx.reporter.end(step.name, record.outcome, took, detail)
        if record.failed:
            raise StepFailed(record.failure)
        return record.result

    def _work(
        self, step: Step, key: str, started: float, begun: ContainerInfo | None, known: StepResult | None = None
    ) -> StepResult:
        """Reuse its known result, run it, or continue with its container; then finalize it."""
        outcome, result, failure = SUCCEEDED, StepResult(), ""
        try:
            if known is not None:
                outcome, result = SKIPPED, known
                self.ctx.reporter.end(step.name, SKIPPED, None, "unchanged since it passed")
                return known
            self.ctx.reporter.begin(step.name, kind_of(step).shown(step))
            result = self._attempts(step, key, begun)
            self.ctx.reporter.end(step.name, SUCCEEDED, self.ctx.clock() - started, result.tests)
            return result
        except BaseException as error:
            outcome = CANCELLED if self.ctx.cancelled.is_set() else FAILED
            if isinstance(error, StepFailed) and outcome == FAILED:
                failure = error.message
            detail = error.message.splitlines()[0] if isinstance(error, ShipwayError) else type(error).__name__
            self.ctx.reporter.end(step.name, outcome, self.ctx.clock() - started, detail)
            raise
        finally:
            self.ctx.ledger.end_step(self.at.number, step.name, outcome, self.ctx.clock(), result, failure)

    def _known(self, step: Step, key: str) -> StepResult | None:
        """The result of a passed run with the same key, if all its outputs still exist, and the run is to use it."""
        if not self.at.caches or step.name == self.at.again:
            return None
        result = self.ctx.ledger.passed_step(self.at.plan.app, step.name, key)
        return result if result and self._is_whole(result) else None

    def _is_whole(self, result: StepResult) -> bool:
        kept = all(artifacts.file(artifact, self.at.artifacts).exists() for artifact in result.artifacts)
        return kept and (not result.images or still_there(self.at, result.images))

    def _attempts(self, step: Step, key: str, begun: ContainerInfo | None) -> StepResult:
        kind, inputs = kind_of(step), self._inputs(step)
        path, resumed_at = self.at.log(step.name), log_of(begun) if begun else None
        with StepLog(path, Lines(self.ctx.redactor).line, self._show(step.name), resumed_at=resumed_at) as log:
            for number in range(attempt_of(begun) if begun else 0, step.retries + 1):
                try:
                    return kind.run(self.at, Attempt(step, inputs, key, number, log, begun))
                except StepFailed as error:
                    remaining = step.retries - number
                    if not remaining or self.ctx.cancelled.is_set():
                        raise
                    log.say(f"{error.message}; retrying ({remaining} left)")
                    log.cut()
                    begun = None
        raise AssertionError("unreachable")

    def _show(self, name: str) -> Callable[[str], None]:
        return lambda line: None if NOISE.match(line) else self.ctx.reporter.line(name, line)

    def _report_blocked(self) -> None:
        for name, cause in graph.blocked(self.needs, self.failed).items():
            self.ctx.reporter.end(name, "blocked", None, f"needs {cause}, which failed")

    def _failure(self) -> ShipwayError:
        if len(self.failed) == 1:
            name, error = next(iter(self.failed.items()))
            return error.within(f"step {name}", hint=f"full output: {self.at.log(name)}")
        listed = "\n".join(f"  {name}: {error.message}" for name, error in self.failed.items())
        return StepFailed(
            f"{len(self.failed)} steps failed:\n{listed}", hint=f"full outputs: {self.at.log('*').parent}"
        )
