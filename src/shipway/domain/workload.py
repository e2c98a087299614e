"""What a release runs in an environment, whatever platform runs it: services with their replicas, the addresses that lead to
them, databases and caches, and commands. Values of secrets are never part of it, only where they belong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from shipway.domain.accessory import Kinds
from shipway.domain.adjustments import Adjustments, planned
from shipway.domain.commands import commands_of
from shipway.domain.config_file import ConfigFile
from shipway.domain.desired import Settings, argv, config_files, variables
from shipway.domain.plan import Accessory, Environment, Health, Resources, Security, Service
from shipway.domain.platform import ClusterSettings
from shipway.domain.release import Release
from shipway.domain.routing import Routing
from shipway.domain.secret_value import FOLDER, secrets_of
from shipway.domain.tasks import Schedule, Seed, Task
from shipway.domain.value import dataclass

MARK = re.compile(r"shipway-mark-(\d+)-of-a-secret")  # of characters that no address has to encode


@dataclass(frozen=True)
class SecretRef:
    """A version of a secret of the environment. name: `accessory:NAME` for a generated password."""

    name: str
    version: int = 1


Value = tuple[str | SecretRef, ...]  # texts and secrets that a variable consists of


@dataclass(frozen=True)
class WorkloadSpec:
    """A service of a release: so many containers of an image."""

    service: str
    image: str
    release: int
    replicas: int
    variables: Mapping[str, Value]
    command: tuple[str, ...] | None = None  # replaces CMD
    entrypoint: tuple[str, ...] | None = None  # replaces ENTRYPOINT
    port: int | None = None
    health: Health | None = None
    resources: Resources = Resources()
    security: Security = Security()
    drain: float = 0.0  # seconds for open requests, before SIGTERM
    stop: float = 10.0  # seconds from SIGTERM to SIGKILL
    secret_files: Mapping[str, SecretRef] = field(default_factory=dict)  # by path
    configs: Mapping[str, ConfigFile] = field(default_factory=dict)  # by path
    volumes: Mapping[str, str] = field(default_factory=dict)  # path by name of the environment's volume
    folders: Mapping[str, str] = field(default_factory=dict)  # path by folder of the host


@dataclass(frozen=True)
class AddressSpec:
    """A path at some host names that leads to a service."""

    service: str
    port: int
    hosts: tuple[str, ...]
    prefix: str
    routing: Routing


@dataclass(frozen=True)
class StoreSpec:
    """A database or a cache: one container with a volume."""

    name: str
    image: str
    port: int
    variables: Mapping[str, Value]
    health: Health
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    setup: Mapping[str, str] = field(default_factory=dict)  # files by path
    volume: str | None = None  # path in the container


@dataclass(frozen=True)
class CommandSpec:
    """A command in a service's image that runs to its end, by `sh -c`. order: earlier ones come first."""

    name: str
    workload: WorkloadSpec
    run: str
    order: int = 0
    timeout: float = 1800.0
    schedule: Schedule | None = None  # it runs at certain times, instead of with a deployment


@dataclass(frozen=True)
class EnvironmentSpec:
    """All of it. left_out: what the plan says and this can't say, as sentences."""

    app: str
    environment: str
    release: int
    revision: str
    version: str
    scheme: str
    names: tuple[str, ...]  # that need a certificate, with https
    workloads: tuple[WorkloadSpec, ...]
    addresses: tuple[AddressSpec, ...]
    stores: tuple[StoreSpec, ...]
    commands: tuple[CommandSpec, ...]
    secrets: tuple[SecretRef, ...]
    left_out: tuple[str, ...] = ()
    cluster: ClusterSettings = ClusterSettings()  # that the plan asks for
    ledger: str = ""  # identity of the one that it belongs to; empty: others keep it
    standby: float = 0.0  # seconds on standby of services with an address, after the switch to another release
    redirects: tuple[str, ...] = ()  # host names that redirect to the first of `names`
    port: int | None = None  # of the public addresses; None: the scheme's


def environment_spec(
    release: Release, environment: Environment, version: str, kinds: Kinds, versions: Mapping[str, int],
    migration: str | None = None, *, adjustments: Adjustments | None = None, ledger: str = "",
) -> EnvironmentSpec:  # fmt: skip
    """Of a release. versions: of the secrets that are set. migration: the command of the migration tool; None: unknown. ledger:
    identity of the one that it belongs to."""
    marks = _Marks(release, environment, versions)
    settings = Settings(
        version, marks.secrets, versions, marks.passwords, kinds=kinds, adjustments=adjustments or Adjustments()
    )
    workloads = {
        service.name: _workload(release, environment, settings, marks, service)
        for service in release.plan.services.values()
    }
    commands, left_out = _commands(release, environment, workloads, marks, migration)
    stores = tuple(_store(release, settings, marks, item) for item in release.plan.own_accessories.values())
    return EnvironmentSpec(
        release.app, environment.name, release.number, release.revision, version, environment.scheme,
        environment.certified_names, tuple(workloads.values()), tuple(_addresses(release, environment)), stores,
        tuple(commands), _secrets((*workloads.values(), *(item.workload for item in commands)), stores), (*left_out, *_unsaid(release, environment)),
        environment.cluster, ledger, environment.standby, environment.redirects,
        None if environment.port == (443 if environment.scheme == "https" else 80) else environment.port,
    )  # fmt: skip


class _Marks:
    """Marks in place of values, so that a text which contains one is taken apart again."""

    def __init__(self, release: Release, environment: Environment, versions: Mapping[str, int]) -> None:
        self._refs: list[SecretRef] = []
        names = [name for item in release.plan.services.values() for name in secrets_of(environment, item)]
        names += [name for item in release.plan.accessories.values() for name in item.secrets]
        names += [
            *release.plan.externals,
            *(name for item in commands_of(environment).values() for name in item.secrets),
        ]
        optional = {name for item in release.plan.services.values() for name in item.optional_secrets}
        optional.update(environment.optional_secrets)
        unset = optional - versions.keys()
        self.secrets = {name: self._mark(name, versions) for name in dict.fromkeys(names) if name not in unset}
        own = release.plan.own_accessories
        self.passwords = {name: self._mark(f"accessory:{name}", {}) for name in own}

    def _mark(self, name: str, versions: Mapping[str, int]) -> str:
        self._refs.append(SecretRef(name, versions.get(name, 1)))
        return f"shipway-mark-{len(self._refs) - 1}-of-a-secret"

    def value(self, text: str) -> Value:
        """A text with marks, as its parts."""
        parts: list[str | SecretRef] = []
        at = 0
        for found in MARK.finditer(text):
            parts += [text[at : found.start()]] if found.start() > at else []
            parts.append(self._refs[int(found[1])])
            at = found.end()
        return (*parts, *([text[at:]] if at < len(text) or not parts else []))

    def values(self, texts: Mapping[str, str]) -> dict[str, Value]:
        return {name: self.value(text) for name, text in texts.items()}

    def ref(self, name: str) -> SecretRef:
        found = self.value(self.secrets[name])[0]
        assert isinstance(found, SecretRef)
        return found


def _workload(
    release: Release, environment: Environment, settings: Settings, marks: _Marks, service: Service
) -> WorkloadSpec:
    files = {f"{FOLDER}/{name}": marks.ref(name) for name in service.secret_files if name in marks.secrets}
    volumes = service.volumes.values()
    return WorkloadSpec(
        service.name, release.images[service.name], release.number,
        settings.adjustments.replicas.get(service.name, planned(release.plan, environment, service.name) or 0),
        marks.values(variables(release.plan, release, environment, settings, service)),
        argv(service.command), argv(service.entrypoint), service.port, service.health, service.resources,
        service.security, service.drain if service.port else 0.0, service.stop, files, config_files(release, service),
        {item.name: item.path for item in volumes if not item.folder},
        {item.folder: item.path for item in volumes if item.folder},
    )  # fmt: skip


def _store(release: Release, settings: Settings, marks: _Marks, accessory: Accessory) -> StoreSpec:
    kind = settings.kinds[accessory.kind]
    own = kind.environment_of(accessory, release.app, settings.passwords[accessory.name])
    own |= {name: settings.secrets[name] for name in accessory.secrets}
    return StoreSpec(
        accessory.name, accessory.image, kind.port_of(accessory), marks.values(own), kind.health_of(accessory),
        argv(accessory.command), argv(accessory.entrypoint), kind.setup_of(accessory, release.app), accessory.volume,
    )  # fmt: skip


def _addresses(release: Release, environment: Environment) -> list[AddressSpec]:
    return [
        AddressSpec(
            item.name, item.port, environment.domains.get(item.name) or (environment.domain, *environment.aliases),
            item.route, item.routing,
        )
        for item in release.plan.services.values()
        if item.route and item.port
    ]  # fmt: skip


def _commands(
    release: Release, environment: Environment, workloads: Mapping[str, WorkloadSpec], marks: _Marks, migration: str | None
) -> tuple[list[CommandSpec], list[str]]:  # fmt: skip
    def workload(item: Seed | Task | Schedule) -> WorkloadSpec:
        """Of its service, with the secrets that only the command has."""
        service = workloads[item.service]
        own = {name: (marks.ref(name),) for name in item.secrets if name in marks.secrets}
        return replace(service, variables={**service.variables, **own})

    found: list[CommandSpec] = []
    left_out: list[str] = []
    database = release.plan.database
    if database is not None and not database.on_start:
        if migration:
            found.append(CommandSpec("migrate", workloads[database.service], migration, 1))
        else:
            left_out.append(f"the migrations: {database.tool} is run by Shipway, and has no command in the image")
    if environment.seed:
        found.append(CommandSpec("seed", workload(environment.seed), environment.seed.run, 2))
    for number, task in enumerate(environment.before_switch, 1):
        found.append(CommandSpec(f"task-{number}", workload(task), task.run, 2 + number, task.timeout))
    if environment.after_deploy:
        left_out.append("the tasks of `after_deploy`: nothing here knows when the release serves")
    for item in environment.schedules.values():
        found.append(CommandSpec(item.name, workload(item), item.run, 0, item.timeout, item))
    return found, left_out


def _unsaid(release: Release, environment: Environment) -> list[str]:
    """Settings that not every platform has."""
    found = []
    for item in release.plan.services.values():
        if item.assets:
            found.append(f"`assets` of {item.name}: files of the previous release are not served too")
        if any(volume.folder for volume in item.volumes.values()):
            found.append(f"folders of the host that {item.name} mounts")
    if environment.access.text != "everyone":
        found.append("`access`: everybody may use the addresses")
    if environment.checks:
        found.append(f"the checks {', '.join(environment.checks)}, which run after a deployment")
    return found


def _secrets(workloads: Sequence[WorkloadSpec], stores: Sequence[StoreSpec]) -> tuple[SecretRef, ...]:
    """All that they need, each once."""
    variables = [*(item.variables for item in workloads), *(item.variables for item in stores)]
    found = [part for item in variables for value in item.values() for part in value if isinstance(part, SecretRef)]
    found += [ref for item in workloads for ref in item.secret_files.values()]
    return tuple(dict.fromkeys(found))


def while_it_runs(spec: EnvironmentSpec) -> EnvironmentSpec:
    """Without the commands that run once, and the secrets that only these have."""
    commands = tuple(item for item in spec.commands if item.schedule is not None)
    secrets = _secrets((*spec.workloads, *(item.workload for item in commands)), spec.stores)
    return replace(spec, commands=commands, secrets=secrets)


def in_order(commands: Sequence[CommandSpec], scheduled: bool) -> list[CommandSpec]:
    """Those of a deployment in their order, or those on a schedule."""
    chosen = [item for item in commands if (item.schedule is not None) == scheduled]
    return sorted(chosen, key=lambda item: item.order)
