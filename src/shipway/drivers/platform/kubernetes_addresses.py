"""Public addresses of an environment: an Ingress, or HTTPRoutes at a Gateway that an administrator made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipway.domain.routes import WHOLE
from shipway.domain.routing import Routing
from shipway.domain.value import dataclass
from shipway.domain.workload import AddressSpec, EnvironmentSpec
from shipway.drivers.platform.object_names import named

NETWORK = "networking.k8s.io/v1"
GROUP = "gateway.networking.k8s.io"
GATEWAY, ROUTE = f"{GROUP}/v1", "HTTPRoute"
MOST = 16  # rules of an HTTPRoute
H2C = "kubernetes.io/h2c"  # protocol of a Service's port: HTTP/2 without TLS
SETTINGS = {
    "strip": "`strip`", "response_headers": "`headers`", "body": "`body`", "compress": "`compress`", "sticky": "`sticky`",
    "timeout": "`timeout`",
}  # fmt: skip
AT_GATEWAY = ("strip", "response_headers", "timeout")  # of them
Object = dict[str, Any]


@dataclass(frozen=True)
class Address:
    """What an object is made of, beside its labels."""

    version: str
    kind: str
    name: str
    spec: Object


@dataclass(frozen=True)
class Target:
    """Where a path leads: Services with their ports and weights, which count in relation to each other."""

    prefix: str
    routing: Routing
    backends: tuple[tuple[str, int, int], ...]


def addresses(spec: EnvironmentSpec, ingress_class: str | None, gateway: str | None) -> list[Address]:
    """Those of an environment. gateway: NAME or NAMESPACE/NAME of the Gateway to which routes attach; None: an Ingress."""
    if not spec.addresses:
        return []
    if gateway:
        return [*_routes(spec, gateway), *_redirects(spec, gateway)]
    return [_ingress(spec, ingress_class)]


def _by_host(spec: EnvironmentSpec) -> dict[str, list[AddressSpec]]:
    """What each host name leads to, the longest paths first."""
    found: dict[str, list[AddressSpec]] = {}
    for item in sorted(spec.addresses, key=lambda item: -len(item.prefix)):
        for host in item.hosts:
            found.setdefault(host, []).append(item)
    return found


def _ingress(spec: EnvironmentSpec, ingress_class: str | None) -> Address:
    hosts = _by_host(spec)

    def path(item: AddressSpec) -> Object:
        backend = {"service": {"name": named(item.service), "port": {"number": item.port}}}
        return {"path": item.prefix, "pathType": "Prefix", "backend": backend}

    rules = [{"host": host, "http": {"paths": [path(item) for item in items]}} for host, items in hosts.items()]
    more: Object = {"rules": rules}
    if ingress_class:
        more["ingressClassName"] = ingress_class
    if spec.scheme == "https":
        more["tls"] = [{"hosts": [name for name in spec.names if name in hosts], "secretName": "tls"}]
    return Address(NETWORK, "Ingress", "public", more)


def _routes(spec: EnvironmentSpec, gateway: str) -> Iterator[Address]:
    def whole(item: AddressSpec) -> Target:
        return Target(item.prefix, item.routing, ((named(item.service), item.port, 1),))

    return _by_name({host: [whole(item) for item in items] for host, items in _by_host(spec).items()}, gateway)


def shared(old: EnvironmentSpec, new: EnvironmentSpec, weight: int, gateway: str) -> list[Address]:
    """The routes of a release that serves, with `weight` of WHOLE requests to Services that the new release has of its own. A path
    that only one of them has gets all its requests there."""

    def own(item: AddressSpec, release: int) -> str:
        return named(item.service, f"r{release}")

    before, after = _by_host(old), _by_host(new)
    hosts: dict[str, list[Target]] = {}
    for host in {**before, **after}:
        was = {item.prefix: item for item in before.get(host, ())}
        now = {item.prefix: item for item in after.get(host, ())}
        for prefix in sorted({**was, **now}, key=lambda prefix: -len(prefix)):
            backends = []
            if prefix in was:
                backends.append((named(was[prefix].service), was[prefix].port, WHOLE - weight if prefix in now else 1))
            if prefix in now:
                share = weight if prefix in was else 1
                backends.append((own(now[prefix], new.release), now[prefix].port, share))
            routing = (now.get(prefix) or was[prefix]).routing
            hosts.setdefault(host, []).append(Target(prefix, routing, tuple(backends)))
    return [*_by_name(hosts, gateway)]


def _by_name(hosts: Mapping[str, Sequence[Target]], gateway: str) -> Iterator[Address]:
    """A host name has an HTTPRoute of its own, with all of its paths: whatever else changes, it is changed as a whole, and not every
    controller compares the paths of several."""
    for host, targets in hosts.items():
        rules = [_rule(item) for item in targets]
        for at in range(0, len(rules), MOST):
            part = (str(at // MOST + 1),) if at else ()
            yield _route(named("public", host, *part), gateway, host, rules[at : at + MOST])


def _redirects(spec: EnvironmentSpec, gateway: str) -> Iterator[Address]:
    """To the url, with path and query. 301 is the code that every controller knows."""
    to: Object = {"scheme": spec.scheme, "hostname": spec.names[0] if spec.names else "", "statusCode": 301}
    to |= {"port": spec.port} if spec.port else {}
    rule = {"filters": [{"type": "RequestRedirect", "requestRedirect": to}]}
    for host in spec.redirects:
        yield _route(named("redirect", host), gateway, host, [rule])


def _route(name: str, gateway: str, host: str, rules: Sequence[Object]) -> Address:
    more = {"parentRefs": [parent_of(gateway)], "hostnames": [host], "rules": list(rules)}
    return Address(GATEWAY, ROUTE, name, more)


def parent_of(gateway: str) -> Object:
    """The reference to a Gateway."""
    namespace, _, name = gateway.rpartition("/")
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def _rule(item: Target) -> Object:
    rule: Object = {
        "matches": [{"path": {"type": "PathPrefix", "value": item.prefix}}],
        "backendRefs": [
            {"name": name, "port": port, **({"weight": weight} if len(item.backends) > 1 else {})}
            for name, port, weight in item.backends
        ],
    }
    filters: list[Object] = []
    if item.routing.strip and item.prefix.rstrip("/"):
        path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
        filters.append({"type": "URLRewrite", "urlRewrite": {"path": path}})
    if item.routing.headers:
        headers = [{"name": name, "value": value} for name, value in item.routing.headers.items()]
        filters.append({"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": headers}})
    if filters:
        rule["filters"] = filters
    if item.routing.timeout:
        rule["timeouts"] = {"request": duration(item.routing.timeout)}
    return rule


def duration(seconds: float) -> str:
    """As the Gateway API writes it: numbers of at most five digits with their units."""
    whole = max(1, math.ceil(seconds * 1000))
    hours, rest = divmod(whole, 3_600_000)
    parts = [(hours, "h"), (rest // 1000, "s"), (rest % 1000, "ms")]
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def unsaid(spec: EnvironmentSpec, gateway: str | None) -> list[str]:
    """What these objects can't say, as sentences."""
    return _unsaid_at_gateway(spec) if gateway else _unsaid_in_ingress(spec)


def _unsaid_in_ingress(spec: EnvironmentSpec) -> list[str]:
    found = [
        f"{what} of the route of {item.service}: an Ingress has no such setting"
        for item in spec.addresses
        for key, what in SETTINGS.items()
        if key in item.routing.options()
    ]
    found += [
        f"`protocol` of the route of {item.service}: how an Ingress speaks to a service is its controller's"
        for item in spec.addresses
        if item.routing.protocol != "http"
    ]
    return [*found, *([f"the redirects of {', '.join(spec.redirects)}"] if spec.redirects else [])]


def _unsaid_at_gateway(spec: EnvironmentSpec) -> list[str]:
    found = [
        f"{what} of the route of {item.service}: an HTTPRoute has no such setting"
        for item in spec.addresses
        for key, what in SETTINGS.items()
        if key in item.routing.options() and key not in AT_GATEWAY
    ]
    found += [
        f"`timeout` of the route of {item.service} until a response begins: at a Gateway it must be complete by then"
        for item in spec.addresses
        if item.routing.timeout
    ]
    hosts = dict.fromkeys(host for item in spec.addresses for host in item.hosts if host.startswith("*."))
    found += [f"`{host}` for one label only: a Gateway leads names with several labels there too" for host in hosts]
    return found
