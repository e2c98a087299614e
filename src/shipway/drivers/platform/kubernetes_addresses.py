"""Public addresses of an environment: an Ingress, or HTTPRoutes at a Gateway that an administrator made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from shipway.domain.value import dataclass
from shipway.domain.workload import AddressSpec, EnvironmentSpec
from shipway.drivers.platform.object_names import named

NETWORK = "networking.k8s.io/v1"
GROUP = "gateway.networking.k8s.io"
GATEWAY, ROUTE = f"{GROUP}/v1", "HTTPRoute"
MOST = 16  # host names of an HTTPRoute, and its rules
H2C = "kubernetes.io/h2c"  # protocol of a Service's port: HTTP/2 without TLS
SETTINGS = {
    "strip": "`strip`", "response_headers": "`headers`", "body": "`body`", "compress": "`compress`", "sticky": "`sticky`",
    "timeout": "`timeout`",
}  # fmt: skip
AT_GATEWAY = ("strip", "response_headers", "timeout")  # of them
Object = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Address:
    """What an object is made of, beside its labels."""

    version: str
    kind: str
    name: str
    spec: Object


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
    """A host name is in one HTTPRoute with all of its paths: not every controller compares the paths of several."""
    groups: dict[tuple[str, ...], tuple[list[str], list[AddressSpec]]] = {}
    for host, items in _by_host(spec).items():
        groups.setdefault(tuple(item.service for item in items), ([], items))[0].append(host)
    number = 0
    for hosts, items in groups.values():
        for names in _parts(hosts):
            for some in _parts([_rule(item) for item in items]):
                number += 1
                name = "public" if number == 1 else f"public-{number}"
                yield _route(name, gateway, names, some)


def _redirects(spec: EnvironmentSpec, gateway: str) -> Iterator[Address]:
    """To the url, with path and query. 301 is the code that every controller knows."""
    to: Object = {"scheme": spec.scheme, "hostname": spec.names[0] if spec.names else "", "statusCode": 301}
    to |= {"port": spec.port} if spec.port else {}
    rule = {"filters": [{"type": "RequestRedirect", "requestRedirect": to}]}
    for number, names in enumerate(_parts(spec.redirects), 1):
        yield _route("redirects" if number == 1 else f"redirects-{number}", gateway, names, [rule])


def _route(name: str, gateway: str, hosts: Sequence[str], rules: Sequence[Object]) -> Address:
    more = {"parentRefs": [parent_of(gateway)], "hostnames": list(hosts), "rules": list(rules)}
    return Address(GATEWAY, ROUTE, name, more)


def parent_of(gateway: str) -> Object:
    """The reference to a Gateway."""
    namespace, _, name = gateway.rpartition("/")
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def _rule(item: AddressSpec) -> Object:
    rule: Object = {
        "matches": [{"path": {"type": "PathPrefix", "value": item.prefix}}],
        "backendRefs": [{"name": named(item.service), "port": item.port}],
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


def _parts(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[at : at + MOST] for at in range(0, len(items), MOST)]


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
