"""A preview: the environment of one pull request, derived from another one, and how far it is."""

from __future__ import annotations

import re
from dataclasses import field, replace

from shipway.domain.gating import Approvals, Hotfix, Requirements
from shipway.domain.launch import Launch
from shipway.domain.plan import Accessory, Environment, Plan, Service, Step, Trigger
from shipway.domain.previews import NUMBER, SEED, Previews
from shipway.domain.strategy import Strategy, Watch
from shipway.domain.value import dataclass

PREFIX = "pr-"
OPEN, CLOSED = "open", "closed"
CREATING, READY, ASLEEP, FAILED, CLOSING = "creating", "ready", "asleep", "failed", "closing"


@dataclass(frozen=True)
class Preview:
    """What is wanted of a preview, and what was done. seq: increases with each wish, and fences what was done for an older
    one. All times are by the ledger's clock."""

    app: str
    number: int  # of the pull request
    branch: str  # of its commits; empty: unknown
    head: str  # the commit that is wanted; some forges tell only its beginning
    wanted: str  # OPEN or CLOSED
    actor: str
    asked: float  # when it was wanted last
    seq: int = 0
    done: str = ""  # the wanted commit that was dealt with
    release: int = 0  # the one that was made for it last; 0: none; -1: none yet, but it counts as one that stands
    problem: str = ""  # why there is no preview of it
    ends: float = 0.0  # 0: not known yet
    sleep: float = 0.0  # seconds without a request until it sleeps, as the plan said when it was made; 0: never
    used: float = 0.0  # when a request was seen last
    requests: int = 0  # by the edge's count, when it was looked at last
    asleep: bool = False
    reason: str = field(default="")  # why it is to be closed

    @property
    def environment(self) -> str:
        """Its name."""
        return environment_name(self.number)

    @property
    def state(self) -> str:
        """In one word."""
        if self.wanted == CLOSED:
            return CLOSING
        if self.done != self.head:
            return CREATING
        if self.problem:
            return FAILED
        return ASLEEP if self.asleep else READY


def environment_name(number: int) -> str:
    """Of the preview of a pull request."""
    return f"{PREFIX}{number}"


def number_of(environment: str) -> int | None:
    """The pull request of a preview; None of another environment."""
    return int(environment[len(PREFIX) :]) if is_reserved(environment) else None


def is_reserved(environment: str) -> bool:
    """Whether only a preview may have the name."""
    return re.fullmatch(rf"{PREFIX}[1-9][0-9]*", environment) is not None


def is_of_preview(plan: Plan) -> bool:
    """Whether it is the plan of a release that was built for a preview alone."""
    return any(map(is_reserved, plan.environments))


def domain_of(previews: Previews, number: int) -> str:
    """The host name of one."""
    return previews.domain.replace(NUMBER, str(number))


def derived(plan: Plan, previews: Previews, number: int) -> Plan:
    """The plan with this preview as its only environment. previews: those of the protected plan. KeyError if the plan has no
    environment like which it is to be."""
    environment = _environment(plan.environments[previews.like], previews, number)
    return replace(
        plan,
        environments={environment.name: environment},
        services={name: _service(item) for name, item in plan.services.items()},
        accessories={name: _accessory(item) for name, item in plan.accessories.items()},
        pipeline=_without_proofs(plan),
        previews=None,
    )


def _environment(like: Environment, previews: Previews, number: int) -> Environment:
    """Nothing in it reaches what only the other one may: its records, infrastructure, CDN, backups and providers. It runs on one
    host: the nodes of a Swarm must all be hosts of an environment there."""
    usual = like.port == (443 if like.scheme == "https" else 80)
    return replace(
        like,
        name=environment_name(number),
        url=f"{like.scheme}://{domain_of(previews, number)}" + ("" if usual else f":{like.port}"),
        trigger=Trigger(manual=True), after=None, approvals=Approvals(), freeze=(), require=Requirements(), hotfix=Hotfix(),
        hosts=(replace(like.hosts[0], address=None),), platform="", replicas={}, schedules={}, launch=Launch(),
        seed=like.seed if previews.data == SEED else None,
        standby=0.0, standby_auto=False, strategy=Strategy(), watch=Watch(), retain=1, prove=False,
        aliases=(), domains={}, redirects=(), dns=None, infra=None, cdn=None, secrets_from=(), backups=None,
    )  # fmt: skip


def _service(service: Service) -> Service:
    """With volumes of its own in place of folders of the host, once."""
    volumes = {name: replace(item, folder=None) for name, item in service.volumes.items()}
    return replace(service, volumes=volumes, replicas=1)


def _accessory(accessory: Accessory) -> Accessory:
    """In a container of its own, also in place of an external service."""
    found = accessory.as_container() if accessory.external else accessory
    return replace(found, published=None)


def _without_proofs(plan: Plan) -> dict[str, Step]:
    """A preview needs no rollback proof."""
    proofs = {name for name, step in plan.pipeline.items() if step.prove}
    return {
        name: replace(step, needs=tuple(item for item in step.needs if item not in proofs))
        for name, step in plan.pipeline.items()
        if name not in proofs
    }
