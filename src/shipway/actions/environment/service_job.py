"""Containers for commands with all that a service has."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.desired import Settings, config_files, mounts, secret_files, variables
from shipway.domain.plan import Environment
from shipway.domain.release import Release


def service_job(
    release: Release, environment: Environment, settings: Settings, service: str, extra: Mapping[str, str],
    *, volumes: bool = False,
) -> ContainerSpec:  # fmt: skip
    """A container that runs a command in a service's image, with the environment and secrets of that service, and with
    its volumes if requested: never for migrations, whose proofs have none."""
    plan = release.plan
    return ContainerSpec(
        name=f"{plan.app}_{environment.name}_job",
        image=release.images[service],
        labels=names.labels(plan.app, environment.name, "job", service),
        env={**variables(plan, release, environment, settings, plan.services[service]), **extra},
        files=secret_files(settings, plan.services[service]),
        configs=config_files(release, plan.services[service]),
        security=plan.services[service].security,
        volumes=mounts(plan, environment, plan.services[service]) if volumes else {},
        networks={
            names.network(plan.app, environment.name): (),
            names.rotation_network(plan.app, environment.name): (),
        },
    )
