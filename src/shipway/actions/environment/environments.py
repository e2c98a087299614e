"""An app's environments: those of the plan, and those that only the ledger or the engine's labels know, without a
checkout or after the environment or the app was renamed."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from shipway.actions.environment.former_hosts import former_hosts
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT
from shipway.domain.errors import EngineError, PlanError, RepositoryError, UsageError
from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.renaming import Names
    from shipway.ports import ProjectSource
    from shipway.system.git import Repository


@dataclass(frozen=True)
class KnownApp:
    """An app, with its plan if the working directory is a checkout, and otherwise with its source."""

    ctx: Context
    name: str
    plan: Plan | None
    source: ProjectSource | None = None

    def require(self) -> KnownApp:
        """Itself. UsageError if no plan, no ledger and no label of a container has the app: its name is wrong."""
        if self.plan or self.name in self.ctx.ledger.apps() or self._labelled() or self._protected():
            return self
        raise self._unknown()

    def _unknown(self) -> UsageError:
        known = ", ".join(map(self._names.shown, self.ctx.ledger.apps())) or "none"
        return UsageError(f"the ledger has no app {self.name!r}", hint=f"it has: {known}")

    def environments(self) -> list[Environment]:
        """All environments, those of a checkout's plan first."""
        found = dict(self.plan.environments) if self.plan else {}
        for name in self._elsewhere():
            found.setdefault(name, self._known(name)[1])
        return list(found.values())

    def environment(self, name: str) -> Environment:
        """The environment with that name. UsageError if it is unknown."""
        return self.with_plan(name)[1]

    def with_plan(self, name: str) -> tuple[Plan, Environment]:
        """The environment with its plan: a checkout's; else that of the release which runs there; else the protected
        branch's. UsageError if it is unknown."""
        typed, name = name, self.kept(name)
        if self.plan and name in self.plan.environments:
            return self.plan, self.plan.environments[name]
        if name in self.ctx.ledger.environments(self.name) or name in self._labelled():
            return self._known(name)
        plan = self._protected()
        if plan and name in plan.environments:
            return plan, plan.environments[name]
        found = {item.name: item for item in self.environments()} | dict(plan.environments if plan else {})
        if not found and self.name not in self.ctx.ledger.apps():
            raise self._unknown()
        raise UsageError(
            f"{self.shown_app} has no environment {typed!r}: not in the plan, the ledger or on the engine",
            hint=f"it has: {', '.join(map(self.shown, found)) or 'none'}",
        )

    def deployed(self, name: str) -> tuple[Plan, Environment]:
        """The same for a command that changes what runs there: as it was deployed, by the rules in force. What a checkout
        says, such as further hosts, counts only where nothing was deployed. UsageError if it is unknown."""
        kept = self.kept(name)
        latest = self.ctx.ledger.latest(self.name, kept)
        return self.with_plan(name) if latest is None or latest.destroyed else self._known(kept)

    def kept(self, name: str) -> str:
        """The environment's first name, which the ledger and the engines keep, by any name that it has had."""
        return self._names.environment(self.name, name)

    def shown(self, name: str) -> str:
        """Its present name, by the first one."""
        return self._names.shown(self.name, name)

    @property
    def shown_app(self) -> str:
        """The app's present name."""
        return self._names.shown(self.name)

    @cached_property
    def _names(self) -> Names:
        """As they were when the first one was asked for: a list asks for each of its lines."""
        return self.ctx.names

    def any_plan(self) -> Plan:
        """The plan for what concerns no single environment: a checkout's, else the protected branch's. PlanError without
        one."""
        if self.plan is not None:
            return self.plan
        if self.source is None:
            raise PlanError(f"no plan of {self.name} is known here")
        return self.source.plan()

    def _protected(self) -> Plan | None:
        if self.plan is not None or self.source is None:
            return None
        try:
            return self.source.plan()
        except (PlanError, RepositoryError):  # the error says which environments are known
            return None

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


def known_app(ctx: Context, source: ProjectSource) -> KnownApp:
    """The app of a source. Its commits are the context's repository from now on."""

    def repository() -> Repository:
        from shipway.system.git import Repository  # most commands need no commits, and its import takes long

        return Repository(source.clone())

    own = replace(ctx, repository=repository)
    return KnownApp(own, source.name, source.plan() if source.is_checkout else None, source)
