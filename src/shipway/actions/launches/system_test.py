"""The full system test: the plan's checks, and Shipway's own looks at the public address of what runs there."""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Sequence
from functools import partial

from shipway.actions.deployments.checks import run_check
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.observe import settings, version_of
from shipway.actions.environment.service_job import service_job
from shipway.actions.environment.serving import serving
from shipway.actions.launches.looks import LOOKS, limit
from shipway.actions.launches.testing import UnderTest, bounded, visiting
from shipway.actions.projects.in_force import running_rules
from shipway.actions.proofs.recorded import newest as newest_proof
from shipway.actions.rollbacks.rehearse import rehearse
from shipway.context import Context
from shipway.domain import history
from shipway.domain.errors import DeployFailed, ForwardOnly, NothingToRollBack, ShipwayError, UsageError
from shipway.domain.plan import Environment, Scenario
from shipway.domain.record import to_data
from shipway.domain.rehearsal import newest as newest_rehearsal
from shipway.domain.release import Evidence, Release
from shipway.domain.rollback_plan import label
from shipway.domain.rules import InForce, launch_rules, required_checks, required_scenarios
from shipway.domain.system_test import FAILED, KIND, NOT_TESTED, PASSED, Result, SystemTest, lines
from shipway.proving.sandbox_environment import address
from shipway.steps.container import TIMED_OUT, run_container

SPARE = 120.0  # seconds beside the time-out of a command, for its image and its container
WAIT = 120.0  # seconds to wait for another process's lock of the environment


def system_test(ctx: Context, app: str, environment: str, in_force: InForce | None = None) -> SystemTest:
    """Test what runs there, and record the results as evidence of its release. in_force: rules in force, whose checks must pass
    too. UsageError if nothing runs there, LeaseHeld if it is being changed."""
    now, release, where = serving(ctx, app, environment)
    begun = ctx.clock()
    rollback = _rollback(ctx, release, where)  # before the lock: a rehearsal takes minutes, and touches nothing
    with exclusive_access(ctx, app, environment, "system test", wait=WAIT) as own:
        now, serves, where = serving(own, app, environment)
        if serves.number != release.number:
            raise UsageError(
                f"release {serves.number} was deployed to {environment} while release {release.number} was tested",
                hint=f"test that one: shipway system-test {environment}",
            )
        here = own.on(where.hosts[0].name)
        own_settings = settings(here, release, where, like=now)
        test = UnderTest(here, release, where, own_settings, in_force, launch_rules(where, in_force))
        results = [*_looks(test), *_checks(test), *_scenarios(test), rollback]
    found = SystemTest(
        app,
        environment,
        where.url,
        release.number,
        version_of(ctx, release, where),
        begun,
        ctx.clock() - begun,
        tuple(results),
    )
    detail = json.dumps(to_data(found), ensure_ascii=False)
    ctx.ledger.add_evidence(
        Evidence(app, release.number, environment, KIND, found.headline, found.passed, detail, ctx.clock())
    )
    return found


def require_passed(test: SystemTest, again: str) -> None:
    """DeployFailed with everything that failed. again: the command that goes on when it is fixed."""
    if test.passed:
        return
    bad = dataclasses.replace(test, results=test.failed)
    listed = "\n".join(f"  {line}" for line in lines(bad)) or "  nothing could be tested"
    raise DeployFailed(
        f"the system test of {test.environment} failed: {test.headline}\n{listed}",
        hint=f"fix what failed, then: {again}",
    )


def _looks(test: UnderTest) -> list[Result]:
    found = list[Result]()
    if not any(service.route for service in test.release.plan.services.values()):
        return [Result("public address", NOT_TESTED, "no service has a route")]
    try:
        with visiting(test) as visit:
            for name, look, seconds in LOOKS:
                with test.ctx.part(name):
                    found += bounded(test.ctx, name, partial(look, visit), limit(name, seconds, visit))
    except ShipwayError as error:
        if test.ctx.cancelled.is_set():
            raise
        found.append(Result("visitor", FAILED, error.message, error.hint))
    return found


def _checks(test: UnderTest) -> list[Result]:
    """Those of the plan and of the rules in force."""
    found = list[Result]()
    checks = required_checks(test.release.plan, test.environment, test.in_force)
    for check in checks:

        def run(check=check) -> Sequence[Result]:  # type: ignore[no-untyped-def]
            run_check(test.ctx, test.release, test.environment, check)
            return [Result(f"check {check.name}", PASSED, check.run.strip().splitlines()[0])]

        found += bounded(test.ctx, f"check {check.name}", run, check.timeout + SPARE)
    return found or [Result("checks", NOT_TESTED, f"the plan has none for {test.environment.name} (`checks: […]`)")]


def _scenarios(test: UnderTest) -> list[Result]:
    """Those that may run in the environment itself: a write that reaches the database, a job that reaches the worker."""
    plan, found = test.release.plan, list[Result]()
    scenarios = required_scenarios(plan, test.environment, test.in_force)
    for scenario in scenarios:
        called = f"{scenario.kind} {scenario.name}"
        if scenario.service not in plan.services:
            why = f"the rules in force run it in {scenario.service}, which the release lacks"
            found.append(Result(called, FAILED, why, "change the plan on the protected branch first"))
            continue
        with test.ctx.part(scenario.name):
            found += bounded(test.ctx, called, partial(_scenario, test, scenario), plan.prove.timeout + SPARE)
    kinds = {scenario.kind for scenario in scenarios}
    for kind, what in (("write", "a write that reaches the database"), ("job", "a job that reaches the worker")):
        needed = plan.accessories if kind == "write" else plan.workers
        if kind not in kinds and needed:
            why = f"no scenario of kind {kind} is marked as safe here (`launch: {{scenarios: […]}}`)"
            found.append(Result(what, NOT_TESTED, why))
    return found


def _scenario(test: UnderTest, scenario: Scenario) -> Sequence[Result]:
    last, release = deque[str](maxlen=5), test.release
    url = {"URL": address(release.plan)}
    job = service_job(release, test.environment, test.settings, scenario.service, url, volumes=True)
    spec = dataclasses.replace(job, entrypoint=("sh", "-c"), command=(scenario.run,))
    timeout = release.plan.prove.timeout

    def on_line(line: str) -> None:
        last.append(line)
        test.ctx.reporter.line(scenario.name, line)

    code = run_container(test.ctx, spec, on_line=on_line, timeout=timeout)
    called = f"{scenario.kind} {scenario.name}"
    if code == 0:
        return [Result(called, PASSED, scenario.run.strip().splitlines()[0])]
    why = f"timed out after {timeout:g} s" if code == TIMED_OUT else f"exited with {code}"
    shown = f": {' / '.join(last)}" if last else ""
    return [Result(called, FAILED, f"{why}{shown}", f"shipway logs {test.environment.name}")]


def _rollback(ctx: Context, release: Release, environment: Environment) -> Result:
    """The newest rehearsal or proof of the release; else a rehearsal now."""
    deployments = ctx.ledger.history(release.app, environment.name)
    evidence = ctx.ledger.evidence(release.app, release.number)
    called = "rollback"
    if history.previous_release(deployments, release.number) is None:
        return Result(called, NOT_TESTED, "the first release here: there is nothing to roll back to")
    if release.plan.database is None:
        return Result(called, NOT_TESTED, "without migrations a rollback only changes the code")
    rehearsed = newest_rehearsal(evidence, environment.name)
    if rehearsed is None and (proof := newest_proof(ctx, release, environment.name)) is not None:
        return Result(called, PASSED, f"proven: {proof}")
    try:
        found = rehearsed[1] if rehearsed else rehearse(ctx, release.app, environment.name)
    except (ForwardOnly, NothingToRollBack) as error:
        return Result(called, NOT_TESTED, error.message.splitlines()[0])
    except ShipwayError as error:
        return Result(called, FAILED, error.message.splitlines()[0], error.hint)
    detail = f"to release {found.target}, {label(found.way)}: {found.trial.verdict}"
    return Result(called, PASSED if found.passed else FAILED, f"rehearsed {detail}")


def rules_running(ctx: Context, app: str, environment: str) -> InForce | None:
    """The rules of the release that runs there, where the protected ones can't be read; None: nothing runs."""
    running = running_rules(ctx, app, environment)
    return InForce(environment, running) if running else None
