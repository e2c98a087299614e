"""A Gateway for the tests' own cluster: a definition of HTTPRoutes that takes every field, and a controller that leads requests by them
through the real Traefik, and writes what it has taken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shipway.domain.errors import ClusterError
from shipway.drivers.platform.kubernetes_api import KubernetesApi

GROUP = "gateway.networking.k8s.io"
ROUTES = f"/apis/{GROUP}/v1/httproutes"
GATEWAY = ("infra", "public")
STRANGE = "refused.example.com"  # the host name that no listener of it has
Object = dict[str, Any]


@contextmanager
def defined(api: KubernetesApi) -> Iterator[None]:
    """The definition, which goes again with all routes."""
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": free, "status": free}}},
    }  # fmt: skip
    item: Object = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"httproutes.{GROUP}"},
        "spec": {
            "group": GROUP, "scope": "Namespaced", "versions": [version],
            "names": {"kind": "HTTPRoute", "listKind": "HTTPRouteList", "plural": "httproutes", "singular": "httproute"},
        },
    }  # fmt: skip
    item["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, of a test"}
    at = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    api.ask("POST", at, None, json.dumps(item).encode())
    try:
        until = time.monotonic() + 30
        while not _served(api):
            assert time.monotonic() < until, "the API server doesn't serve HTTPRoutes"
            time.sleep(0.2)
        yield
    finally:
        api.ask("DELETE", f"{at}/httproutes.{GROUP}")


def _served(api: KubernetesApi) -> bool:
    try:
        api.ask("GET", ROUTES)
    except ClusterError:
        return False
    return True


def routes(api: KubernetesApi) -> list[Object]:
    """All that there are, if any are defined."""
    try:
        return list(api.ask("GET", ROUTES).get("items") or [])
    except ClusterError as error:
        if error.absent:
            return []
        raise


def configuration(found: list[Object], leads: Object) -> Object:
    """Routers and services of Traefik. leads: those of Services, by `NAMESPACE-NAME-PORT`."""
    routers: Object = {}
    shares: Object = {}
    for item in found:
        if refusal(item) is not None:
            continue
        place = item["metadata"]["namespace"]
        for number, rule in enumerate(item["spec"]["rules"]):
            name = f"{place}-{item['metadata']['name']}-{number}"
            parts = [(f"{place}-{ref['name']}-{ref['port']}", ref.get("weight", 1)) for ref in rule["backendRefs"]]
            shares[name] = {
                "weighted": {"services": [{"name": lead, "weight": weight} for lead, weight in parts if lead in leads]}
            }
            prefix = rule["matches"][0]["path"]["value"].rstrip("/")
            (host,) = item["spec"]["hostnames"]
            below = f"(Path(`{prefix}`) || PathPrefix(`{prefix}/`))" if prefix else "PathPrefix(`/`)"
            routers[name] = {"rule": f"Host(`{host}`) && {below}", "service": name, "priority": 1 + len(prefix)}
    return {"routers": routers, "services": shares}


def refusal(route: Object) -> str | None:
    """Why this Gateway leads none of its requests."""
    return "NoMatchingListenerHostname" if STRANGE in route["spec"]["hostnames"] else None


def answer(api: KubernetesApi, route: Object) -> None:
    """Write what was taken of this state of a route, as its status."""
    own, reason = route["metadata"], refusal(route)
    said = [("Accepted", reason), ("ResolvedRefs", None)]
    conditions = [
        {
            "type": kind, "status": "False" if why else "True", "reason": why or kind, "message": "by a test",
            "observedGeneration": own["generation"], "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for kind, why in said
    ]  # fmt: skip
    parents = [
        {"parentRef": ref, "controllerName": "example.com/tests", "conditions": conditions}
        for ref in route["spec"]["parentRefs"]
        if (ref.get("namespace"), ref["name"]) == GATEWAY
    ]
    if route.get("status", {}).get("parents") == parents:
        return
    path = f"/apis/{GROUP}/v1/namespaces/{own['namespace']}/httproutes/{own['name']}/status"
    body = json.dumps({"metadata": {"resourceVersion": own["resourceVersion"]}, "status": {"parents": parents}})
    api.ask("PATCH", path, None, body.encode(), "application/merge-patch+json")
