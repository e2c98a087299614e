"""Rehearse the rollback that would be done now on a copy of an environment's data, and record the result."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.actions.environment.jobs import database_tool
from shipway.actions.environment.observe import settings
from shipway.actions.environment.serving import serving
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback_order
from shipway.context import Context
from shipway.domain.errors import MigrationFailed, UsageError
from shipway.domain.proof import DATA, UNSAFE, CompatibilityTest, Stage
from shipway.domain.record import to_data
from shipway.domain.rehearsal import REHEARSAL, Rehearsal, newest
from shipway.domain.release import FAILED, SUCCEEDED, Deployment, Evidence, Release
from shipway.domain.rollback_plan import RollbackPlan, label
from shipway.domain.schema_history import CODE_ONLY, schema_revisions
from shipway.ports import ScratchDatabase
from shipway.proving.compatibility_test import try_there
from shipway.proving.sandbox import Sandbox, open_sandbox
from shipway.proving.sandbox_environment import ReleaseConfig
from shipway.proving.server import Server, start
from shipway.proving.template import Target, make_template, require_space
from shipway.proving.tool_containers import ToolContainers


def rehearse(ctx: Context, app: str, environment: str, *, to: str | None = None) -> Rehearsal:
    """Rehearse it beside the serving release, and record it. Raises NothingToRollBack and ForwardOnly as a rollback
    would, and ProofError if it can't be run."""
    order = rollback_order(ctx, app, environment, RollbackRequest(to))
    now, release, _ = serving(ctx, app, environment)
    assert order.rollback is not None
    assert order.like is not None
    if release.plan.database is None:
        raise UsageError(f"{app} has no database with migrations: a rollback only changes the code")
    what = f"{environment}: release {release.number} → {order.release.number}, {label(order.rollback.kind)}, on a copy of its data"
    with ctx.part("rehearse", what), open_sandbox(ctx, app) as at:
        found = _Rehearsing(at, environment, now, release).run(order.release, order.like, order.rollback)
    detail = json.dumps(to_data(found), ensure_ascii=False)
    ctx.ledger.add_evidence(
        Evidence(app, release.number, environment, REHEARSAL, found.way, found.passed, detail, ctx.clock())
    )
    return found


def last_passed(ctx: Context, app: str, environment: str) -> float | None:
    """When the current release's latest rehearsal passed; None if it failed, or there is none."""
    _, release, _ = serving(ctx, app, environment)
    found = newest(ctx.ledger.evidence(app, release.number), environment)
    return found[0] if found and found[1].passed else None


class _Rehearsing:
    """A rehearsal in progress."""

    def __init__(self, at: Sandbox, environment: str, now: Deployment, release: Release) -> None:
        self.sandbox, self.ctx, self.now, self.release = at, at.ctx, now, release
        self.environment = release.plan.environments[environment]
        self.began = self.ctx.clock()
        self.stages: list[Stage] = []

    def run(self, target: Release, like: Deployment, rollback: RollbackPlan) -> Rehearsal:
        """Run the rehearsal."""
        plan = self.release.plan
        accessory, host = self.release.migrated, self.environment.hosts[0].name
        assert accessory is not None
        own = settings(self.ctx, self.release, self.environment, like=self.now, create=False)
        at = Target(
            self.sandbox.on(host), plan.app, self.environment.name, accessory, own.passwords.get(accessory.name, ""),
            self.sandbox.labels,
        )  # fmt: skip
        proving = dataclasses.replace(plan.prove, mode=DATA)
        image = at.image()
        require_space(self.ctx, at, proving)
        with self._stage("server"):
            server = start(
                self.sandbox, plan.app, accessory, image if host == self.ctx.machine.name else accessory.image, at.role
            )
        with self._stage("template"):
            copy = make_template(server, at, proving)
        where = target.plan.environments[self.environment.name]
        config = ReleaseConfig(target, where, settings(self.ctx, target, where, like=like, create=False))
        try:
            if rollback.kind != CODE_ONLY:
                with self._stage("down"):
                    self._down(server, copy, rollback)
            result = try_there(server, copy, config, self.began)
        except MigrationFailed as error:
            result = CompatibilityTest(UNSAFE, (f"the down migrations failed: {error.message}",))
        stages = (*self.stages, *result.stages)
        took = self.ctx.clock() - self.began
        return Rehearsal(
            self.environment.name,
            self.release.number,
            target.number,
            rollback.kind,
            rollback.schema,
            result,
            took,
            stages,
        )

    def _down(self, server: Server, copy: ScratchDatabase, rollback: RollbackPlan) -> None:
        deployments = self.ctx.ledger.history(self.release.app, self.environment.name)
        brought = self.ctx.ledger.release(self.release.app, schema_revisions(deployments)[-1].release)
        assert brought is not None
        where = brought.plan.environments[self.environment.name]
        config = ReleaseConfig(brought, where, settings(self.ctx, brought, where, create=False)).on(server, copy)
        tools = ToolContainers(server, brought.plan.prove.timeout)
        tool = database_tool(
            self.ctx,
            config.release,
            config.environment,
            config.settings,
            runner=tools.runner,
            volume=server.folder(copy),
        )
        assert tool is not None
        tool.down(rollback.schema, lambda line: self.ctx.reporter.line("rehearse", line))

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start, outcome = self.ctx.clock(), FAILED
        try:
            yield
            outcome = SUCCEEDED
        finally:
            self.stages.append(Stage(name, start - self.began, self.ctx.clock() - start, outcome))
