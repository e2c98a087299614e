"""Names of apps and environments that were renamed. The ledger, the engines and the secrets keep the first name, so that a
renaming moves nothing; every name that was ever given still finds the same app or environment, and no other one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shipway.domain.errors import PlanError
from shipway.domain.plan import Environment, Host, Plan
from shipway.domain.platform import KUBERNETES, cluster_host
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Renaming:
    """A name given to an app, or to an environment of it."""

    app: str  # its first name
    environment: str  # its first name; "": the app itself was renamed
    name: str
    actor: str
    reason: str
    at: float


class Names:
    """All names, from the ledger's renamings, oldest first."""

    def __init__(self, renamings: Sequence[Renaming] = ()) -> None:
        self._renamings = renamings
        self._apps = {item.name: item.app for item in renamings if not item.environment}
        self._environments = {(item.app, item.name): item.environment for item in renamings if item.environment}

    def app(self, name: str) -> str:
        """The first name of the app that has or had this name; a name that was never given is itself."""
        return self._apps.get(name, name)

    def environment(self, app: str, name: str) -> str:
        """The same of an environment. app: its first name."""
        return self._environments.get((app, name), name)

    def of(self, app: str, environment: str = "") -> list[Renaming]:
        """The renamings of an app, or of its environment, by their first names: oldest first."""
        return [item for item in self._renamings if (item.app, item.environment) == (app, environment)]

    def shown(self, app: str, environment: str = "") -> str:
        """The present name."""
        found = self.of(app, environment)
        return found[-1].name if found else environment or app

    def plan(self, plan: Plan) -> Plan:
        """The plan with the first names in place of all others. PlanError if two of its environments are the same one."""
        app = self.app(plan.app)
        if app == plan.app and not any(known == app for known, _ in self._environments):
            return plan
        first = {name: self.environment(app, name) for name in plan.environments}
        self._refuse_same(app, first)
        return replace(
            plan,
            app=app,
            environments={
                first[name]: _named(app, item, first[name], self.environment(app, item.after) if item.after else None)
                for name, item in plan.environments.items()
            },
            pipeline={
                name: replace(step, prove=self.environment(app, step.prove)) if step.prove else step
                for name, step in plan.pipeline.items()
            },
        )

    def _refuse_same(self, app: str, first: Mapping[str, str]) -> None:
        for kept in first.values():
            same = [name for name, found in first.items() if found == kept]
            if len(same) > 1:
                former = ", ".join(name for name in same if name != self.shown(app, kept))
                raise PlanError(
                    f"{' and '.join(same)} are names of one environment, which is called {self.shown(app, kept)} now",
                    hint=f"remove {former} from the plan; a new environment needs a name that none had before",
                )


def _named(app: str, environment: Environment, name: str, after: str | None) -> Environment:
    """Under this name. A cluster keeps the namespace of the first names, too."""
    in_a_cluster = environment.platform == KUBERNETES
    hosts = (Host(cluster_host(app, name, environment.cluster)),) if in_a_cluster else environment.hosts
    return replace(environment, name=name, after=after, hosts=hosts)
