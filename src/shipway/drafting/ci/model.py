"""What a pipeline file of any platform has: a job for each environment, checks for everything else, and their secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from shipway.domain.plan import LOCAL, Environment, Plan, Trigger
from shipway.domain.registry_access import RegistryAccess
from shipway.domain.secret_source import (
    AGE,
    AWS_PARAMETERS,
    AWS_SECRETS,
    COMMAND,
    SOPS,
    VARIABLES,
    VAULT,
    SecretSource,
    assigned,
    prefix,
)
from shipway.domain.value import dataclass
from shipway.drafting.ci.patterns import deployed_branches, of_tags_only

LEDGER, KEY, REGISTRY = "SHIPWAY_LEDGER", "SHIPWAY_KEY", "SHIPWAY_REGISTRY_AUTH"
SSH_KEY, KNOWN_HOSTS = "SHIPWAY_SSH_KEY", "SHIPWAY_KNOWN_HOSTS"


@dataclass(frozen=True)
class Secret:
    """A secret of the platform, and where its value comes from."""

    name: str
    why: str
    required: bool = True


@dataclass(frozen=True)
class Job:
    """The deployments to one environment."""

    app: str
    environment: str
    plan: str  # the path of its plan in the repository
    key: str  # unique in the repository: environment, or app_environment where there are several apps
    url: str
    trigger: Trigger
    asks: bool  # whether a person must say yes: the plan asks for approvals, or nothing triggers it
    registry: RegistryAccess | None
    secrets: tuple[Secret, ...]
    hosts: tuple[str, ...]

    @property
    def required(self) -> tuple[Secret, ...]:
        """Secrets without which it can't start. Some platforms refuse a job whose file names one that isn't set."""
        return tuple(secret for secret in self.secrets if secret.required)

    @property
    def by_ssh(self) -> bool:
        """Whether one of its hosts is another machine."""
        return any(host != LOCAL for host in self.hosts)

    @property
    def group(self) -> str:
        """Jobs of one group don't run at the same time."""
        return f"shipway-{self.app}_{self.environment}"


@dataclass(frozen=True)
class Pipeline:
    """All jobs of a repository."""

    jobs: tuple[Job, ...]
    plans: Mapping[str, str]  # path of the plan of each app
    package: str  # what pip installs
    runner: str  # label of the machines that run it; empty: the platform's usual ones
    notes: tuple[str, ...] = field(default=())  # for the person who writes the file

    @property
    def tagged_branches(self) -> tuple[str, ...]:
        """Branches whose pushes deploy nothing, and whose tags do."""
        deployed = {name for job in self.jobs for name in deployed_branches(job.trigger)}
        return tuple(
            dict.fromkeys(name for job in self.jobs for name in of_tags_only(job.trigger) if name not in deployed)
        )

    @property
    def tags(self) -> tuple[str, ...]:
        """Patterns of the tags that deploy."""
        return tuple(dict.fromkeys(job.trigger.tag for job in self.jobs if job.trigger.tag))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Those of all jobs."""
        return tuple({secret.name: secret for job in self.jobs for secret in job.secrets}.values())


def jobs_of(plan: Plan, names: Mapping[str, Sequence[str]], *, several: bool) -> tuple[Job, ...]:
    """The jobs of one app. names: the secrets that each environment uses. several: whether the repository has other apps."""
    return tuple(
        Job(
            plan.app, name, plan.file, f"{plan.app}_{name}" if several else name, place.url, place.trigger,
            place.approvals.count > 0 or place.trigger.manual, plan.registry, secrets_of(plan, place, names[name]),
            tuple(host.name for host in place.hosts),
        )
        for name, place in plan.environments.items()
    )  # fmt: skip


def secrets_of(plan: Plan, place: Environment, names: Sequence[str]) -> tuple[Secret, ...]:
    """What a job needs from the platform to deploy there."""
    found = [
        Secret(LEDGER, "address of the team's ledger, postgresql://…"),
        Secret(KEY, "the key of its secrets: shipway key export"),
    ]
    if plan.registry:
        own = plan.registry.password or plan.registry.token
        why = f"logins by address, as JSON, for {plan.registry.address}" + ("; not if the ledger has it" if own else "")
        found.append(Secret(REGISTRY, why, required=own is None))
    if any(host.name != LOCAL for host in place.hosts):
        found.append(
            Secret(SSH_KEY, "private key for the hosts, without a passphrase; not if the runner has one", False)
        )
        found.append(Secret(KNOWN_HOSTS, "lines of known_hosts: ssh-keyscan HOST, compared on the host", False))
    for source, given in assigned(place.secrets_from, names):
        found += _of_source(source, f"{plan.app}/{place.name}", given.values())
    return tuple({secret.name: secret for secret in found}.values())


def extras_of(plans: Sequence[Plan]) -> tuple[str, ...]:
    """The optional parts of Shipway that deployments by these plans use."""
    places = [place for plan in plans for place in plan.environments.values()]
    kinds = {source.kind for place in places for source in place.secrets_from}
    found = {"age"} if AGE in kinds else set[str]()
    if kinds & {AWS_SECRETS, AWS_PARAMETERS} or any(
        place.cdn and place.cdn.provider == "cloudfront" for place in places
    ):
        found.add("aws")
    return tuple(sorted(found))


def notes_on(plans: Sequence[Plan]) -> tuple[str, ...]:
    """What a pipeline needs that a file can't give it."""
    found = [
        f"{plan.app} has no `registry`: images are only on the machine that built them, so that a later job on another "
        "machine can't promote them"
        for plan in plans
        if plan.registry is None
    ]
    for plan in plans:
        for place in plan.environments.values():
            kinds = {source.kind for source in place.secrets_from}
            needed = {COMMAND: "secret-providers.toml in the home folder", SOPS: "the program sops"}
            found += [f"{place.name} needs {what} on the runner" for kind, what in needed.items() if kind in kinds]
            if place.approvals.count:
                found.append(
                    f"{place.name} asks for approvals: `shipway approve {place.name}` records them; a yes on the platform "
                    "alone is none"
                )
    return tuple(dict.fromkeys(found))


def _of_source(source: SecretSource, scope: str, keys: Iterable[str]) -> list[Secret]:
    if source.kind in (AGE, SOPS):
        return [Secret("SHIPWAY_AGE_IDENTITY", f"a private key that reads {source.place}", source.kind == AGE)]
    if source.kind == VARIABLES:
        return [Secret(f"{prefix(scope)}{key}", f"{key} of {scope}") for key in keys]
    if source.kind == VAULT:
        return [
            Secret(name, f"of an AppRole of {source.place}")
            for name in ("VAULT_ADDR", "VAULT_ROLE_ID", "VAULT_SECRET_ID")
        ]
    if source.kind in (AWS_SECRETS, AWS_PARAMETERS):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return [Secret(name, f"reads {source.text}; not if the runner has a role", False) for name in names]
    return []
