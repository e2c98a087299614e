"""Render the desired state of a release in an environment: container specifications and routes."""

from __future__ import annotations

import dataclasses
import shlex
import zlib
from collections.abc import Mapping
from typing import Any

from shipway.domain import names
from shipway.domain.accessory import PLACEHOLDER, Kinds
from shipway.domain.adjustments import Adjustments, planned
from shipway.domain.certificate import for_edge
from shipway.domain.config_file import ConfigFile
from shipway.domain.container import (
    LABEL_CONFIG,
    LABEL_DRAIN,
    LABEL_MADE_BY,
    LABEL_PORT,
    LABEL_RELEASE,
    LABEL_RESTART,
    LABEL_STANDBY,
    LABEL_STANDBY_AUTO,
    LABEL_STOP,
    ContainerSpec,
    Publish,
)
from shipway.domain.observed import DesiredState
from shipway.domain.plan import Accessory, Environment, Host, Plan, Security, Service
from shipway.domain.record import to_data
from shipway.domain.release import Release, digest_of
from shipway.domain.routes import route
from shipway.domain.routing import Access, user_lines
from shipway.domain.secret_value import FOLDER, as_bytes, secrets_of
from shipway.domain.tasks import ENVIRONMENT as ONCE
from shipway.domain.value import dataclass

NOWHERE = "nowhere.invalid"  # a host that can't exist
PORTS = range(20000, 30000)  # ports at which accessories are published for an environment's other hosts


@dataclass(frozen=True)
class Settings:
    """An environment's additions to a release: secrets, and what its accessories need."""

    version: str  # tag or short revision
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    versions: Mapping[str, int] = dataclasses.field(default_factory=dict)  # of the secrets
    # By accessory; of an external one, its newest address.
    passwords: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    fingerprints: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of the secrets
    kinds: Kinds = dataclasses.field(default_factory=dict, repr=False)  # of accessories
    adjustments: Adjustments = dataclasses.field(default_factory=Adjustments)


def render_desired(
    release: Release,
    environment: Environment,
    settings: Settings,
    *,
    up: tuple[str, ...] = (),
    down: tuple[str, ...] | None = None,
    seed: bool = True,
    keep: int | None = None,
    host: Host | None = None,
) -> DesiredState:
    """Render the desired state of one of the environment's hosts; None is the first."""
    plan = release.plan
    host = host or environment.hosts[0]
    here = host if not environment.placed else environment.hosts[0]  # of the services, as their platform's manager
    replicas = [
        (service, spec)
        for service in plan.services.values()
        for spec in _replicas(plan, release, environment, settings, service, here)
    ]
    routes = _route_table(plan, release, environment, settings, replicas)
    return DesiredState(
        app=plan.app,
        environment=environment.name,
        release=release.number,
        version=settings.version,
        accessories=tuple(
            _accessory(plan, release.number, environment, settings, accessory)
            for accessory in plan.own_accessories.values()
            if host == environment.hosts[0]
        ),
        web=tuple(spec for service, spec in replicas if service.port and here == host),
        workers=tuple(spec for service, spec in replicas if not service.port and here == host),
        routes=routes,
        publish=publish(environment) if routes else (),
        up=up,
        down=down,
        seed=environment.seed.run if environment.seed and seed else None,
        keep=keep,
        placed=tuple(dict.fromkeys(spec.image for _, spec in replicas)) if environment.placed else (),
        seed_once=environment.seed is not None and environment.seed.each == ONCE,
    )


def nothing(desired: DesiredState) -> DesiredState:
    """The desired state of a host that is no longer part of the environment."""
    return dataclasses.replace(
        desired, accessories=(), web=(), workers=(), routes=None, publish=(), seed=None, keep=None, placed=()
    )


def variables(
    plan: Plan, release: Release, environment: Environment, settings: Settings, service: Service,
    host: Host | None = None,
) -> dict[str, str]:  # fmt: skip
    """Environment variables of a service on a host (None: the first), least specific first."""
    return {
        "SHIPWAY_APP": plan.app,
        "SHIPWAY_ENVIRONMENT": environment.name,
        "SHIPWAY_RELEASE": str(release.number),
        "SHIPWAY_REVISION": release.revision,
        "SHIPWAY_VERSION": settings.version,
        "SHIPWAY_URL": environment.url,
        **accessory_urls(plan, environment, settings, host or environment.hosts[0]),
        **service.environment,
        **environment.environment,
        **{
            name: settings.secrets[name]
            for name in secrets_of(environment, service)
            if name not in service.secret_files and name in settings.secrets  # an optional one may be unset
        },
        **{f"{name}_FILE": f"{FOLDER}/{name}" for name in service.secret_files if name in settings.secrets},
    }


def stand_ins(plan: Plan, service: str, kinds: Kinds) -> dict[str, str]:
    """Variables of a service without an environment: the plan's own, placeholders for secrets, and unreachable
    addresses. A variable that only environments set has its value in the first of them. kinds: of accessories."""
    by_environments: dict[str, str] = {}
    for environment in reversed(list(plan.environments.values())):
        required = [name for name in environment.secrets if name not in environment.optional_secrets]
        by_environments |= {**environment.environment, **dict.fromkeys(required, PLACEHOLDER)}
    chosen = plan.services[service]
    urls = dict[str, str]()
    for accessory in plan.accessories.values():
        if accessory.external:
            urls[accessory.external] = stand_in_address(accessory, plan.app, kinds)
        else:
            urls |= kinds[accessory.kind].provided_by(accessory, plan.app, NOWHERE, PLACEHOLDER)
    return {
        "SHIPWAY_APP": plan.app, "SHIPWAY_ENVIRONMENT": PLACEHOLDER, **urls,
        **by_environments, **chosen.environment,
        **{name: PLACEHOLDER for name in chosen.secrets if name not in (*chosen.secret_files, *chosen.optional_secrets)},
        **{f"{name}_FILE": f"{FOLDER}/{name}" for name in chosen.secret_files},
    }  # fmt: skip


def stand_in_address(accessory: Accessory, app: str, kinds: Kinds) -> str:
    """An unreachable address of an accessory; a placeholder if its format is unknown."""
    own, kind = accessory.as_container(), kinds[accessory.kind]
    if accessory.external and not (own.port and (kind.url or own.url)):
        return PLACEHOLDER
    return kind.url_of(own, app, NOWHERE, PLACEHOLDER)


def secret_files(settings: Settings, service: Service) -> dict[str, bytes]:
    """The secret files of a service's container, by path."""
    given = settings.secrets
    return {f"{FOLDER}/{name}": as_bytes(given[name]) for name in service.secret_files if name in given}


def config_files(release: Release, service: Service) -> dict[str, ConfigFile]:
    """The configuration files of a service's container, by path."""
    return {path: release.files[source] for path, source in service.files.items()}


def mounts(plan: Plan, environment: Environment, service: Service) -> dict[str, str]:
    """Path in the service's container by volume of the environment, or by folder of the host."""
    return {
        volume.folder or names.volume(plan.app, environment.name, volume.name): volume.path
        for volume in service.volumes.values()
    }


def accessory_urls(plan: Plan, environment: Environment, settings: Settings, host: Host) -> dict[str, str]:
    """The variables that accessories provide: by container name on their own host, by its address on others. An
    external one's is the secret with its address."""
    first = environment.hosts[0]
    found = {name: settings.secrets[name] for name in plan.externals}
    for accessory in plan.own_accessories.values():
        found |= settings.kinds[accessory.kind].provided_by(
            accessory,
            plan.app,
            accessory.name if host == first else first.address or "",
            settings.passwords.get(accessory.name, ""),
            published=None if host == first else published(plan, environment, accessory),
        )
    return found


def published(plan: Plan, environment: Environment, accessory: Accessory) -> int:
    """The port at which other hosts reach an accessory: the plan's, else a fixed one that differs between
    environments."""
    if accessory.published is not None:
        return accessory.published
    return PORTS.start + zlib.crc32(names.accessory(plan.app, environment.name, accessory.name).encode()) % len(PORTS)


def publish(environment: Environment) -> tuple[Publish, ...]:
    """The public port, and with HTTPS the port that redirects plain HTTP; names that always mean this machine bind only
    to the loopback address."""
    served = (*environment.public_names, *environment.redirects)
    local = all(name in ("localhost", "127.0.0.1") or name.endswith(".localhost") for name in served)
    ports = (443, 80) if environment.scheme == "https" and environment.port == 443 else (environment.port,)
    return tuple(Publish(port, port, "127.0.0.1" if local else "0.0.0.0") for port in ports)


def _replicas(
    plan: Plan, release: Release, environment: Environment, settings: Settings, service: Service, host: Host
) -> list[ContainerSpec]:
    """All of a service, which differ by their names."""
    count = settings.adjustments.replicas.get(service.name, planned(plan, environment, service.name) or 0)
    number = settings.adjustments.restarts.get(service.name)
    restarts = {LABEL_RESTART: str(number)} if number else {}  # part of the digest, so that the name differs too
    spec = ContainerSpec(
        name="",
        image=release.images[service.name],
        labels={**names.labels(plan.app, environment.name, "service", service.name), **restarts},
        command=argv(service.command),
        entrypoint=argv(service.entrypoint),
        env=variables(plan, release, environment, settings, service, host),
        files=secret_files(settings, service),
        configs=config_files(release, service),
        networks={names.network(plan.app, environment.name): ()},
        volumes=mounts(plan, environment, service),
        cpus=service.resources.cpus,
        memory=service.resources.memory,
        security=service.security,
        restart=True,
        stop_grace=service.stop,
        nodes=tuple(each.name for each in environment.hosts) if environment.placed else (),
    )
    # Excludes passwords of accessories: they are generated once, and a dry run must compute the deployment's names.
    public = variables(plan, release, environment, dataclasses.replace(settings, passwords={}), service, host)
    secrets = (*secrets_of(environment, service), *plan.externals)
    versions = {name: settings.versions.get(name, 0) for name in secrets}
    config = config_digest(dataclasses.replace(spec, env=public), versions)
    labels = {
        **spec.labels, LABEL_RELEASE: str(release.number), LABEL_CONFIG: config, LABEL_STOP: f"{service.stop:g}",
    }  # fmt: skip
    if service.port:
        labels |= {LABEL_PORT: str(service.port), LABEL_DRAIN: f"{service.drain:g}"}
    # A worker would keep taking jobs, and a rolling deployment is for machines too small for two releases.
    if service.port and environment.standby and environment.strategy.kind != "rolling":
        labels[LABEL_STANDBY] = f"{environment.standby:g}"
        labels |= {LABEL_STANDBY_AUTO: "1"} if environment.standby_auto else {}
    parts = (plan.app, environment.name, service.name, release.number, config)
    return [dataclasses.replace(spec, name=names.replica(*parts, index + 1), labels=labels) for index in range(count)]


def _accessory(
    plan: Plan, release: int, environment: Environment, settings: Settings, accessory: Accessory
) -> ContainerSpec:
    name = names.accessory(plan.app, environment.name, accessory.name)
    kind = settings.kinds[accessory.kind]
    spec = ContainerSpec(
        name=name,
        image=accessory.image,
        labels=names.labels(plan.app, environment.name, "accessory", accessory.name),
        command=argv(accessory.command),
        entrypoint=argv(accessory.entrypoint),
        env={
            **kind.environment_of(accessory, plan.app, settings.passwords.get(accessory.name, "")),
            **{secret: settings.secrets[secret] for secret in accessory.secrets},
        },
        setup=kind.setup_of(accessory, plan.app),
        networks={names.network(plan.app, environment.name): (accessory.name,)},
        volumes={name: accessory.volume} if accessory.volume else {},
        publish=_to_other_hosts(plan, environment, accessory, kind.port_of(accessory)),
        restart=True,
        stop_grace=30.0,
    )
    # Digest over the image's name in the plan: a newer image of that name on the engine must not replace a database.
    public = dataclasses.replace(spec, env=kind.environment_of(accessory, plan.app, ""))
    versions = {secret: settings.versions.get(secret, 0) for secret in accessory.secrets}
    labels = {**spec.labels, LABEL_CONFIG: config_digest(public, versions), LABEL_MADE_BY: str(release)}
    return dataclasses.replace(spec, labels=labels)


def _to_other_hosts(plan: Plan, environment: Environment, accessory: Accessory, port: int) -> tuple[Publish, ...]:
    first, *others = environment.hosts
    if not others or first.address is None or environment.placed:
        return ()
    return (Publish(port, published(plan, environment, accessory), first.address),)


def argv(text: str | None) -> tuple[str, ...] | None:
    """Split a command of the plan into arguments; None if it has none."""
    return tuple(shlex.split(text)) if text else None


def config_digest(spec: ContainerSpec, secrets: Mapping[str, int]) -> str:
    """Digest over everything but the name. Values of secret variables are represented by their version."""
    data = {
        "image": spec.image,
        "command": spec.command,
        **({"entrypoint": spec.entrypoint} if spec.entrypoint else {}),
        "env": {name: value for name, value in spec.env.items() if name not in secrets},
        "secrets": dict(secrets),
        "networks": {name: list(aliases) for name, aliases in spec.networks.items()},
        "volumes": dict(spec.volumes),
        "limits": [spec.cpus, spec.memory, spec.stop_grace],
        "labels": dict(spec.labels),
        **(
            {"configs": {path: digest_of(to_data(file)) for path, file in spec.configs.items()}} if spec.configs else {}
        ),
        # A later default must not replace running containers.
        **({"security": to_data(spec.security)} if spec.security and spec.security != Security() else {}),
        **({"publish": [[port.address, port.host_port] for port in spec.publish]} if spec.publish else {}),
    }
    return digest_of(data)


def _route_table(
    plan: Plan,
    release: Release,
    environment: Environment,
    settings: Settings,
    replicas: list[tuple[Service, ContainerSpec]],
) -> dict[str, Any] | None:
    found = [
        route(
            service.name,
            service.route,
            service.health.path if service.health and service.health.path else _root(service),
            release.number,
            [
                f"{service.routing.protocol}://{spec.name}:{service.port}"
                for owner, spec in replicas
                if owner is service
            ],
            service.health.headers if service.health else None,
            _options(environment, service),
        )
        for service in plan.services.values()
        if service.route
    ]
    if not found:
        return None
    url = public_url(environment)
    if any("body" in item for item in found):
        url["limits"] = True  # what the edge must be able to do, see `Edge.ensure`
    table = {"release": release.number, "url": url, "routes": found}
    if environment.access.text != Access().text:
        table["access"] = _access(environment, settings)
    if own := for_edge(environment, settings.secrets):
        table["certificates"] = [own]
    return table


def _root(service: Service) -> str:
    """The path that a service without a health path is requested at."""
    return "/" if service.routing.strip else service.route or "/"


def _options(environment: Environment, service: Service) -> dict[str, Any]:
    given = {"hosts": list(environment.domains.get(service.name, ())), "fresh": environment.placed}
    return {**{key: value for key, value in given.items() if value}, **service.routing.options()}


def _access(environment: Environment, settings: Settings) -> dict[str, Any]:
    access = environment.access
    lines = user_lines(settings.secrets[access.users]) if access.users else []
    given = {"users": lines, "allow": list(access.allow)}
    return {key: value for key, value in given.items() if value}


def public_table(plan: Plan, environment: Environment) -> dict[str, Any] | None:
    """The addresses that the environment claims at an edge, as a route table without a release; None if no service has
    a route."""
    found = [
        route(item.name, item.route, "/", 0, [NOWHERE], options=_options(environment, item))
        for item in plan.services.values()
        if item.route
    ]
    return {"release": 0, "url": public_url(environment), "routes": found} if found else None


def public_url(environment: Environment) -> dict[str, Any]:
    """`url` of a route table: the public address, and how its certificate is obtained."""
    url: dict[str, Any] = {"scheme": environment.scheme, "host": environment.domain, "port": environment.port}
    if environment.certificate is not None:
        url["tls"] = environment.certificate
    if environment.edge.trusted_proxies:
        url["trusted"] = sorted(environment.edge.trusted_proxies)
    served = (environment.domain, *environment.aliases)
    given = {
        "aliases": environment.aliases,
        "domains": [name for name in environment.public_names if name not in served],
        "redirects": environment.redirects,
    }
    return {**url, **{key: list(value) for key, value in given.items() if value}}
