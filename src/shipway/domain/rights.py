"""Privileges of a plan's containers and builds beyond the defaults. They are part of its reach, so a commit can't grant
them itself."""

from __future__ import annotations

from shipway.domain.build import BuildSource
from shipway.domain.commands import commands_of
from shipway.domain.plan import Environment, Plan, Security

DEFAULT = Security()


def of_services(plan: Plan) -> list[str]:
    """All privileges of a service beyond the defaults, as text."""
    return [f"{service.name} {text}" for service in plan.services.values() for text in _texts(service.security)]


def secrets_of_containers(plan: Plan, environment: Environment) -> dict[str, str]:
    """Names of the environment's secrets that its containers get, each with the first part of the plan that gets it."""
    services = {f"service {item.name}": item.secrets for item in plan.services.values()}
    accessories = {f"accessory {item.name}": item.secrets for item in plan.accessories.values()}
    commands = {user: command.secrets for user, command in commands_of(environment).items()}
    users = {**services, "all services": (*environment.secrets, *plan.externals), **accessories, **commands}
    return {name: user for user, names in reversed(users.items()) for name in names}


def secrets_of_operators(environment: Environment) -> dict[str, str]:
    """Names of the environment's secrets that Shipway itself uses, each with the key of the plan that it is for."""
    users = {
        "dns": environment.dns.secrets.values() if environment.dns else (),
        "infra": environment.infra.secrets if environment.infra else (),
        "cdn": environment.cdn.secrets if environment.cdn else (),
        "tls": environment.tls.secrets.values() if environment.tls else (),
        "access": (environment.access.users,) if environment.access.users else (),
        "backups": environment.backups.secrets if environment.backups else (),
    }
    return {name: user for user, names in reversed(users.items()) for name in names}


def of_builds(plan: Plan) -> list[str]:
    """The secrets that builds of services, steps and checks get."""
    sources = (source for build in _builds(plan) for source in (build, *build.bases.values()))
    return list(dict.fromkeys(name for source in sources for name in source.granted))


def depends_on_level(plan: Plan) -> bool:
    """Whether anything that a run of the plan reads or leaves depends on its level of trust."""
    cached = any(step.caches for step in plan.pipeline.values()) or any(build.cache for build in _builds(plan))
    return cached or bool(of_builds(plan))


def _builds(plan: Plan) -> list[BuildSource]:
    images = [step.image for step in plan.pipeline.values()] + [check.image for check in plan.checks.values()]
    builds = [service.build for service in plan.services.values() if service.build]
    return builds + [image.build for image in images if image and image.build]


def of_steps(plan: Plan, protected: Plan | None) -> list[str]:
    """Privileges beyond the defaults that the plan's steps and builds request and the protected plan doesn't grant."""
    known_secrets = of_builds(protected) if protected else []
    found = [f"builds: secret {name}" for name in of_builds(plan) if name not in known_secrets]
    for step in plan.pipeline.values():
        known = protected.pipeline.get(step.name) if protected else None
        allowed = known.security if known else DEFAULT
        looser, given = step.security.looser_than(allowed), _texts(allowed)
        found += [
            f"step {step.name}: {text}"
            for text in _texts(step.security)
            if text.split(":")[0] in looser and text not in given
        ]
    return found


def _texts(security: Security) -> list[str]:
    """Capabilities are listed one by one: a subset of the allowed ones is allowed."""
    values = {
        "no-new-privileges": ["false"],
        "pids": [str(security.pids)],
        "capabilities": sorted(security.capabilities),
    }
    return [f"{key}: {value}" for key in security.looser_than(DEFAULT) for value in values[key]]
