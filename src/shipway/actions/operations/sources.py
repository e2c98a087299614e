"""The containers of an environment on all of its hosts, as a person names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from shipway.context import Context
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_NAME, LABEL_ROLE, ContainerInfo
from shipway.domain.errors import EngineError, UsageError
from shipway.domain.observed import release_of
from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass
from shipway.system.parallel import side_by_side

ROLES = ("service", "accessory", "session")


@dataclass(frozen=True)
class Source:
    """A container of an environment."""

    host: str
    role: str  # see ROLES
    service: str  # or accessory
    replica: int | None  # from 1; None of an accessory
    release: int | None
    info: ContainerInfo

    @property
    def name(self) -> str:
        """Such as web.2, or db."""
        return self.service if self.replica is None else f"{self.service}.{self.replica}"


def sources(
    ctx: Context, app: str, environment: Environment, *, unreachable: Callable[[str, EngineError], None]
) -> list[Source]:
    """All containers, running or not, by host, role and name. unreachable: called for each host without an answer;
    if no host answers, the first one's error is raised, and it is called for the others."""
    names = [host.name for host in environment.hosts]
    lost: dict[str, EngineError] = {}

    def read(host: str) -> list[Source]:
        try:
            found = ctx.on(host).runtime.list({LABEL_APP: app, LABEL_ENVIRONMENT: environment.name})
        except EngineError as error:
            lost[host] = error
            return []
        known = [_source(host, item) for item in found if item.labels.get(LABEL_ROLE) in ROLES]
        return sorted(known, key=lambda item: (ROLES.index(item.role), item.service, item.replica or 0, item.info.name))

    found = side_by_side(read, names)
    for host in names[1:] if len(lost) == len(names) else names:
        if host in lost:
            unreachable(host, lost[host])
    if len(lost) == len(names):
        raise lost[names[0]]
    return [item for each in found for item in each]


def _source(host: str, info: ContainerInfo) -> Source:
    role = info.labels[LABEL_ROLE]
    index = re.search(r"_(\d+)$", info.name) if role == "service" else None
    return Source(
        host, role, info.labels.get(LABEL_NAME, info.name), int(index[1]) if index else None, release_of(info), info
    )


def require_name(plan: Plan, name: str, found: Sequence[Source] = ()) -> None:
    """UsageError if neither the plan nor a container has this service or accessory."""
    known = list(dict.fromkeys([*plan.services, *plan.accessories, *(item.service for item in found)]))
    if name not in known:
        raise UsageError(
            f"{plan.app} has no service or accessory {name!r}", hint=f"it has: {', '.join(known) or 'none'}"
        )


def require_container(plan: Plan, name: str, what: str) -> None:
    """UsageError for an external service. what: what Shipway doesn't have of it."""
    found = plan.accessories.get(name)
    if found is not None and found.external:
        raise UsageError(
            f"{name} is an external service: Shipway has no {what} of it",
            hint="see its platform; `shipway db` opens its client, if it is known",
        )


def as_deployed(ctx: Context, plan: Plan, environment: Environment) -> tuple[Plan, Environment]:
    """The plan and the environment of the release that runs there; these ones if none does."""
    current = ctx.ledger.current(plan.app, environment.name)
    release = ctx.ledger.release(plan.app, current.release) if current else None
    return (
        (release.plan, release.plan.environments.get(environment.name, environment)) if release else (plan, environment)
    )
