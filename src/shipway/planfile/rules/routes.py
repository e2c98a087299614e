"""Routes: addresses that two services or two environments claim, redirects, and options that need others."""

from __future__ import annotations

from shipway.domain.certificate import outside
from shipway.domain.plan import Environment, Plan, Service
from shipway.domain.routing import is_local
from shipway.planfile.report import Path, Report
from shipway.planfile.rules.references import known


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    routed = [service for service in plan.services.values() if service.route]
    for service in routed:
        _options(service, report)
    for environment in plan.environments.values():
        _names(environment, plan, report)
    if not plan.environments:
        _one_service_each(routed, None, report)
    for environment in plan.environments.values():
        _one_service_each(routed, environment, report)
    _one_environment_each(plan, report)


def _options(service: Service, report: Report) -> None:
    at = ("services", service.name, "route")
    if service.routing.strip and service.route == "/":
        report.error((*at, "strip"), "has no effect on the route `/`", "no `strip`, or a longer `path`")
    if service.routing.sticky and service.replicas == 1 and not report.written(("services", service.name, "replicas")):
        report.warn((*at, "sticky"), "has no effect with one replica", "`replicas:` 2 or more, or no `sticky`")
    if service.routing.protocol == "h2c" and service.health and service.health.path:
        message = "is requested by HTTP/1.1, which a gRPC server doesn't answer"
        report.warn(
            ("services", service.name, "health"),
            message,
            "health: {tcp: true}, or {command: …}, unless it answers both",
        )


def _one_service_each(services: list[Service], environment: Environment | None, report: Report) -> None:
    """Two services can't have the same host name and path. environment: None without any."""
    owners: dict[tuple[str, str], str] = {}
    for service in services:
        route = service.route or "/"
        for host in _hosts(service, environment):
            owner = owners.setdefault((host, route), service.name)
            if owner != service.name:
                at: Path = ("services", service.name, "route")
                at = (*at, "path") if report.written((*at, "path")) else at
                where = f" at {host}" if environment and (environment.domains or environment.aliases) else ""
                message = f"`{route}` is already the route of the service `{owner}`{where}"
                other = ", or other host names in the environment's `domains`" if environment else ""
                report.error(at, message, f"a different route for each service{other}")


def _hosts(service: Service, environment: Environment | None) -> tuple[str, ...]:
    if environment is None:
        return ("",)
    return environment.domains.get(service.name) or (environment.domain, *environment.aliases)


def _names(environment: Environment, plan: Plan, report: Report) -> None:
    at = ("environments", environment.name)
    for index, name in enumerate(environment.aliases):
        if name == environment.domain:
            report.error(_item((*at, "aliases"), index, report), f"`{name}` is the host name of the `url` already")
    for service, names in environment.domains.items():
        where = (*at, "domains", service)
        if known(report, where, service, "services", "service") and service in plan.services:
            if plan.services[service].route is None:
                report.error(where, f"the service `{service}` has no route", "a service with `route`")
            for index, name in enumerate(names):
                if name in (environment.domain, *environment.aliases):
                    message = f"`{name}` serves all services without `domains` already"
                    report.error(_item(where, index, report), message, "a host name of its own")
    for index, name in enumerate(environment.redirects):
        if name in environment.public_names:
            message = f"`{name}` would redirect to itself: this environment serves it"
            report.error(_item((*at, "redirects"), index, report), message, "a host name that serves nothing")
    certificate = environment.certificate or {}
    if environment.by_dns and environment.dns and outside([environment.domain], environment.dns.zone):
        report.error((*at, "url"), *_outside(environment.domain, environment.dns.zone))
    for key, names in _lists(environment):
        for index, name in enumerate(names):
            if "acme" in certificate and name.startswith("*"):
                message = f"`{name}` needs a wildcard certificate, which a CA issues only by a DNS challenge"
                expected = "`dns: {provider: …, zone: …}`, so that Shipway gets one; `tls: {certificate: …, key: …}`, names of secrets with your own; or `tls: internal`"
                report.error(_item((*at, *key), index, report), message, expected)
            elif environment.by_dns and environment.dns and outside([name], environment.dns.zone):
                report.error(_item((*at, *key), index, report), *_outside(name, environment.dns.zone))
            elif (
                ("acme" in certificate or environment.by_dns)
                and is_local(name)
                and not (environment.tls and environment.tls.server)
            ):
                message = f"Let's Encrypt issues no certificate for `{name}`, which isn't a public name"
                report.error(_item((*at, *key), index, report), message, "`tls: internal`, or a public name")


def _outside(name: str, zone: str) -> tuple[str, str]:
    return (
        f"`{name}` is not in the zone `{zone}`, where Shipway proves to the CA that it controls all names of the environment",
        "names of that zone; or an environment of its own for the other",
    )


def _lists(environment: Environment) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Host names beside the url's, by the key that lists them."""
    return [
        (("aliases",), environment.aliases),
        *((("domains", service), names) for service, names in environment.domains.items()),
        (("redirects",), environment.redirects),
    ]


def _item(at: Path, index: int, report: Report) -> Path:
    return (*at, index) if report.written((*at, index)) else at


def _one_environment_each(plan: Plan, report: Report) -> None:
    """An address, which has one port for all names of an environment, belongs to one environment."""
    owners: dict[tuple[str, int], str] = {}
    for environment in plan.environments.values():
        if environment.url:
            owners.setdefault((environment.domain, environment.port), environment.name)
    for environment in plan.environments.values():
        for key, names in _lists(environment):
            for index, name in enumerate(names):
                owner = owners.setdefault((name, environment.port), environment.name)
                if owner != environment.name:
                    at = _item(("environments", environment.name, *key), index, report)
                    message = f"`{name}` is already a host name of the environment `{owner}`"
                    report.error(at, message, "a different one for each environment")
