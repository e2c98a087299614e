"""A release's services on a network of a proof, with new accessories: started as in an environment, and used by the
plan's scenarios."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import partial

from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.desired import Settings, argv, config_files, secret_files, variables
from shipway.domain.errors import DeployFailed, ProofError
from shipway.domain.plan import Accessory, Environment, Host, Plan, Scenario, Service
from shipway.domain.release import Release
from shipway.domain.value import dataclass
from shipway.ports import OnLine, ScratchDatabase
from shipway.proving.server import Server
from shipway.proving.start_cause import Refusal, telling_lines
from shipway.steps.container import TIMED_OUT, run_container
from shipway.steps.health import require_running, wait_healthy
from shipway.system.parallel import side_by_side

TAIL = 12
MARK = "shipway-ran"
REPEAT = f'while :; do sh -c "$0"; echo "{MARK} $?"; sleep 0.1 2>/dev/null || sleep 1; done'  # $0: the scenario
REPEATED = 86400.0  # seconds; it is stopped before


class Failed(Exception):
    """A release's failure: a message with its last lines."""

    def __init__(self, reason: str, output: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason, self.output = reason, output


@dataclass(frozen=True)
class ReleaseConfig:
    """A release as an environment would run it."""

    release: Release
    environment: Environment
    settings: Settings
    folders: Mapping[str, str] = field(default_factory=dict)  # of this machine, by the volume that they stand for

    def on(self, server: Server, database: ScratchDatabase) -> ReleaseConfig:
        """The same, with addresses of this database, and of accessories in the proof's own network."""
        plan = self.release.plan
        accessories = {name: item.as_container() if item.image else item for name, item in plan.accessories.items()}
        if not server.accessory.file:
            accessories[server.accessory.name] = server.settled(database.name)
        return ReleaseConfig(
            dataclasses.replace(self.release, plan=dataclasses.replace(plan, accessories=accessories)),
            dataclasses.replace(self.environment, hosts=(Host(),)),
            dataclasses.replace(self.settings, passwords=dict.fromkeys(accessories, server.password)),
            {server.accessory.file.volume: server.folder(database)} if server.accessory.file else {},
        )

    def only(self, service: str, timeout: float) -> ReleaseConfig:
        """The same with one service, which has `timeout` seconds to become healthy."""
        plan = self.release.plan
        found = plan.services[service]
        health = dataclasses.replace(found.health, timeout=timeout) if found.health else None
        services = {service: dataclasses.replace(found, health=health)}
        return dataclasses.replace(
            self, release=dataclasses.replace(self.release, plan=dataclasses.replace(plan, services=services))
        )


class SandboxEnvironment:
    """The containers on one network. Each `config` is the result of `ReleaseConfig.on`."""

    def __init__(self, server: Server, name: str, network: str) -> None:
        self._server, self._sandbox, self._ctx = server, server.sandbox, server.sandbox.ctx
        self._name, self._network = name, network

    @property
    def unknown_revision(self) -> Refusal:
        """See Context."""
        return self._ctx.unknown_revision

    @property
    def logged(self) -> bool:
        """Whether the database's server logs statements that fail."""
        return self._server.driver.serves

    @property
    def network(self) -> str:
        """Of its containers."""
        return self._network

    def accessories(self, plan: Plan) -> None:
        """Start all but the database and wait until they are healthy; of external services those whose image is known.
        ProofError if one doesn't start."""
        others = self._others(plan)
        side_by_side(lambda item: self._start(self._accessory(plan, item)), others)
        try:
            kind = self._ctx.kind
            wait_healthy(
                self._ctx,
                [(self._called(item.name), kind(item).health_of(item), kind(item).port_of(item)) for item in others],
            )
        except DeployFailed as error:
            raise ProofError(f"an accessory of the proof did not start: {error.message}") from error

    def share_accessories(self, other: SandboxEnvironment, plan: Plan) -> None:
        """Make them reachable in another environment, as if it had them itself."""
        for item in self._others(plan):
            self._ctx.runtime.connect(other.network, self._called(item.name), (item.name,))

    def start(self, config: ReleaseConfig) -> None:
        """Start all services, and wait until they are healthy, first the web services. Failed if one isn't."""
        services = config.release.plan.services.values()
        side_by_side(lambda item: self._start(self._service(config, item)), services)
        for group in ([item for item in services if item.port], [item for item in services if not item.port]):
            waiting = [(self._called(item.name), item.health, item.port) for item in group]
            self._healthy(partial(wait_healthy, self._ctx, waiting, headers=config.environment.forwarded))

    def variables(self, config: ReleaseConfig) -> set[str]:
        """Names of the variables that its services get."""
        return {
            name
            for service in config.release.plan.services.values()
            for name in self._service(config, service).env or {}
        }

    def require_running(self, config: ReleaseConfig) -> None:
        """Failed if a service no longer runs."""
        self._healthy(
            partial(require_running, self._ctx, [self._called(name) for name in config.release.plan.services])
        )

    def stop(self, config: ReleaseConfig) -> None:
        """Remove all services."""
        side_by_side(self._ctx.runtime.remove, [self._called(name) for name in config.release.plan.services])

    def seed(self, config: ReleaseConfig) -> None:
        """Run the environment's seed command. Failed if it fails."""
        seed = config.environment.seed
        if seed is not None:
            secrets = {name: config.settings.secrets[name] for name in seed.secrets}
            self._run(config, seed.service, seed.run, "the seed", secrets)

    def run_scenario(self, config: ReleaseConfig, scenario: Scenario) -> None:
        """Run a scenario in its own container. Failed if it fails."""
        self._run(
            config,
            scenario.service,
            scenario.run,
            f"{scenario.kind} {scenario.name}",
            {"URL": address(config.release.plan)},
        )

    def repeat(self, config: ReleaseConfig, scenario: Scenario, on_line: OnLine, named: Callable[[str], None]) -> None:
        """Run a scenario again and again in one container until the container, whose name `named` gets, is stopped.
        After each run a line `MARK CODE` follows its output."""
        spec = self._scenario(config, scenario.service, scenario.run, {"URL": address(config.release.plan)})
        spec = dataclasses.replace(spec, name=f"{spec.name}_{scenario.name}", command=(REPEAT, scenario.run))
        self._ctx.images.pull(spec.image, lambda line: None)
        run_container(self._ctx, spec, on_line=on_line, timeout=REPEATED, before=named)

    def end(self, container: str) -> None:
        """Stop a container of `repeat`."""
        self._ctx.runtime.stop(container, 0)

    def _scenario(self, config: ReleaseConfig, service: str, command: str, extra: dict[str, str]) -> ContainerSpec:
        spec = dataclasses.replace(
            self._service(config, config.release.plan.services[service]),
            entrypoint=("sh", "-c"), command=(command,), networks={self._network: ()},
        )  # fmt: skip
        return dataclasses.replace(spec, name=f"{spec.name}_run", env={**spec.env, **extra})

    def _healthy(self, work: Callable[[], None]) -> None:
        try:
            work()
        except DeployFailed as error:
            first, *lines = error.message.replace(self._called(""), "").splitlines()
            output = [line.strip() for line in lines[1:]]
            raise Failed(f"{first}{_shown(output)}", tuple(output)) from error

    def _run(self, config: ReleaseConfig, service: str, command: str, what: str, extra: dict[str, str]) -> None:
        lines: list[str] = []
        spec = self._scenario(config, service, command, extra)
        self._ctx.images.pull(spec.image, lambda line: None)
        timeout = config.release.plan.prove.timeout
        code = run_container(self._ctx, spec, on_line=lines.append, timeout=timeout)
        if code != 0:
            why = f"took longer than {timeout:g} s" if code == TIMED_OUT else f"exited with {code}"
            raise Failed(f"{what} {why}{_shown(lines)}", tuple(lines[-TAIL:]))

    def _start(self, spec: ContainerSpec) -> None:
        self._ctx.images.pull(spec.image, lambda line: None)
        self._ctx.runtime.create(spec)
        self._ctx.runtime.start(spec.name)

    def _others(self, plan: Plan) -> list[Accessory]:
        items = (item.as_container() for item in plan.accessories.values() if item.image)
        return [item for item in items if item.name != self._server.accessory.name]

    def _called(self, name: str) -> str:
        return names.bounded(f"{self._sandbox.app}_proof_{self._sandbox.name}_{self._name}_{name}")

    def _volume(self, name: str) -> str:
        return names.bounded(self._called(name), names.VOLUME)

    def _labels(self, name: str) -> dict[str, str]:
        return {**self._sandbox.labels, LABEL_ROLE: "proof", LABEL_NAME: name, LABEL_CONFIG: self._called(name)}

    def _service(self, config: ReleaseConfig, service: Service) -> ContainerSpec:
        release = config.release
        return ContainerSpec(
            name=self._called(service.name),
            image=release.images[service.name],
            labels=self._labels(service.name),
            command=argv(service.command),
            entrypoint=argv(service.entrypoint),
            env=variables(release.plan, release, config.environment, config.settings, service),
            files=secret_files(config.settings, service),
            configs=config_files(release, service),
            volumes={  # empty ones, but for a database that is a file
                config.folders.get(item.name) or self._volume(item.name): item.path for item in service.volumes.values()
            },
            networks={self._network: (service.name,)},
            cpus=service.resources.cpus,
            memory=service.resources.memory,
            security=service.security,
        )

    def _accessory(self, plan: Plan, accessory: Accessory) -> ContainerSpec:
        return ContainerSpec(
            name=self._called(accessory.name),
            image=accessory.image,
            labels=self._labels(accessory.name),
            command=argv(accessory.command),
            entrypoint=argv(accessory.entrypoint),
            env=self._ctx.kind(accessory).with_placeholders(accessory, plan.app, self._server.password),
            networks={self._network: (accessory.name,)},
        )


@contextmanager
def open_environment(server: Server, name: str) -> Iterator[SandboxEnvironment]:
    """A network of its own that also has the scratch server; its containers are removed with the proof."""
    network = server.sandbox.network(name)
    server.join(network)
    yield SandboxEnvironment(server, name, network)


def address(plan: Plan) -> str:
    """Address of the service that handles otherwise unmatched requests; empty if nothing is public."""
    routed = [service for service in plan.services.values() if service.route]
    first = min(routed, key=lambda service: len(service.route or ""), default=None)
    return f"http://{first.name}:{first.port}" if first else ""


def _shown(lines: list[str]) -> str:
    """The most telling line of output."""
    last = telling_lines(lines, 1)
    return f": {last[0][:200]}" if last else ""
