"""What a launch will create, where and under which names, and what it needs beforehand. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain import names
from shipway.domain.adjustments import planned
from shipway.domain.desired import publish
from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Created:
    """One thing that a launch creates. kind: network, volume, accessory, service, route, certificate."""

    kind: str
    name: str
    host: str
    detail: str = ""


def created(plan: Plan, environment: Environment) -> list[Created]:
    """All that the first deployment creates on the hosts, in that order. Replicas are named by their release later."""
    app, where = plan.app, environment.name
    found = list[Created]()
    for host in environment.hosts:
        first = host == environment.hosts[0]
        found += (
            []
            if environment.placed and not first
            else [
                Created("network", names.network(app, where), host.name, "services and accessories"),
                Created("network", names.rotation_network(app, where), host.name, "services and the edge"),
            ]
        )
        for item in plan.own_accessories.values() if first else ():
            called = names.accessory(app, where, item.name)
            found.append(Created("accessory", called, host.name, item.image))
            found += [Created("volume", called, host.name, f"data of {item.name}")] if item.volume else []
        for service in plan.services.values() if first or not environment.placed else ():
            for volume in service.volumes.values():
                if not volume.folder:
                    found.append(Created("volume", names.volume(app, where, volume.name), host.name, volume.path))
            count = planned(plan, environment, service.name) or 0
            path = f" at {service.route}" if service.route else ""
            found.append(
                Created("service", f"{app}_{where}_{service.name}_…", host.name, f"{count} of {service.name}{path}")
            )
        if any(service.route for service in plan.services.values()):
            ports = ", ".join(f"{port.address}:{port.host_port}" for port in publish(environment))
            found.append(Created("route", environment.url, host.name, f"by the edge on {ports}"))
    if environment.certificate is not None:
        issuer = (
            "the local CA"
            if environment.certificate.get("internal")
            else "ACME, by DNS"
            if environment.by_dns
            else "a secret"
            if environment.certificate.get("own")
            else "ACME"
        )
        found += [
            Created("certificate", name, environment.hosts[0].name, f"from {issuer}")
            for name in environment.exact_names
        ]
    return found


def rows(found: Sequence[Created]) -> list[list[str]]:
    """For a table: kind, name, host and detail."""
    return [[item.kind, item.name, item.host, item.detail] for item in found]
