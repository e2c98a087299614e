"""An app's environments: those of the plan, and those known only to the ledger or the engine's labels after an
environment or the app was renamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shipway.actions.environment.former_hosts import former_hosts
from shipway.context import Context
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT
from shipway.domain.errors import EngineError, PlanError, UsageError
from shipway.domain.plan import Environment, Plan


@dataclass(frozen=True)
class KnownApp:
    """An app, with its plan if the working directory has it."""

    ctx: Context
    name: str
    plan: Plan | None

    def environments(self) -> list[Environment]:
        """All environments, those of the plan first."""
        found = dict(self.plan.environments) if self.plan else {}
        for name in self._elsewhere():
            found.setdefault(name, self._known(name)[1])
        return list(found.values())

    def environment(self, name: str) -> Environment:
        """The environment with that name. UsageError if it is unknown."""
        return self.with_plan(name)[1]

    def with_plan(self, name: str) -> tuple[Plan, Environment]:
        """The environment with the plan that it runs by. UsageError if it is unknown."""
        if self.plan and name in self.plan.environments:
            return self.plan, self.plan.environments[name]
        if name in self.ctx.ledger.environments(self.name) or name in self._labelled():
            return self._known(name)
        known = ", ".join(item.name for item in self.environments()) or "none"
        raise UsageError(
            f"{self.name} has no environment {name!r}: not in the plan, the ledger or on the engine",
            hint=f"it has: {known}",
        )

    def _elsewhere(self) -> list[str]:
        recorded = [name for name in self.ctx.ledger.environments(self.name) if self._exists(name)]
        return list(dict.fromkeys([*recorded, *self._labelled()]))

    def _exists(self, name: str) -> bool:
        latest = self.ctx.ledger.latest(self.name, name)
        return (latest is not None and not latest.destroyed) or bool(former_hosts(self.ctx, self.name, name))

    def _labelled(self) -> list[str]:
        try:
            found = self.ctx.runtime.list({LABEL_APP: self.name, LABEL_ENVIRONMENT: ""})
        except EngineError:  # reported by whatever reads the environment
            return []
        return sorted({item.labels[LABEL_ENVIRONMENT] for item in found})

    def _known(self, name: str) -> tuple[Plan, Environment]:
        """The environment as in the release last deployed there; if the ledger has none, as labels show."""
        latest = self.ctx.ledger.current(self.name, name) or self.ctx.ledger.latest(self.name, name)
        release = self.ctx.ledger.release(self.name, latest.release) if latest else None
        plan = release.plan if release else Plan(self.name, {})
        return plan, plan.environments.get(name, Environment(name, ""))


def known_app(ctx: Context, name: str | None, load_plan: Callable[[], Plan]) -> KnownApp:
    """The app with that name; None: the plan's. PlanError if neither exists, which lists the apps of the ledger."""
    try:
        plan = load_plan()
    except PlanError as error:
        if name is None:
            apps = ", ".join(ctx.ledger.apps())
            if apps:
                error.hint = f"{error.hint}; or pass --app NAME: the ledger knows {apps}"
            raise
        return KnownApp(ctx, name, None)
    if name is None or name == plan.app:
        return KnownApp(ctx, plan.app, plan)
    return KnownApp(ctx, name, None)
