"""A share of the requests for a new release, by the routes of a Gateway."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain.errors import ClusterError
from shipway.domain.workload import EnvironmentSpec
from shipway.drivers.platform.kubernetes import Kubernetes
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_cluster import KubernetesCluster
from tests.api_server import ApiServer, accepts, says
from tests.unit.drivers.test_kubernetes_gateway import NOT_ALLOWED, address, api, cluster, of, release, server, up

__all__ = ["api", "server"]  # fixtures


def backends(server: ApiServer) -> dict[str, list[tuple[str, int | None]]]:
    """By path: Services and their weights."""
    return {
        rule["matches"][0]["path"]["value"]: [(item["name"], item.get("weight")) for item in rule["backendRefs"]]
        for name in server.names("HTTPRoute")
        for rule in server.object("HTTPRoute", name)["spec"]["rules"]
    }


def begun(api: KubernetesApi, old: EnvironmentSpec, new: EnvironmentSpec) -> KubernetesCluster:
    """The old one serves, and the new one stands beside it."""
    here = cluster(api)
    up(here, old)
    here.prepare(new, {})
    here.start(new)
    return here


def test_a_share_of_the_requests_goes_to_services_of_the_new_release(server: ApiServer, api: KubernetesApi) -> None:
    old, new = release(1, "web", "old"), release(2, "web", "new")
    here = begun(api, old, new)
    here.share(old, new, 0.05)
    assert backends(server) == {
        "/web": [("web", 950), ("web-r2", 50)],
        "/old": [("old", None)],  # which the new one has no more
        "/new": [("new-r2", None)],
    }
    assert server.object("Service", "web-r2")["spec"]["selector"]["shipway.io/release"] == "2"
    state = here.observe()
    assert state.serves(1)  # for all that doesn't come by the Gateway
    assert state.sharing == (2,)
    with pytest.raises(ClusterError, match="has a share of the requests"):
        here.remove(2)
    with pytest.raises(ClusterError, match="has a share of the requests"):
        here.rest(2, web=False)
    here.share(old, new, 0.5)
    assert backends(server)["/web"] == [("web", 500), ("web-r2", 500)]
    here.switch(new)
    assert backends(server) == {"/web": [("web", None)], "/new": [("new", None)]}
    assert server.names("Service") == ["new", "web"]
    assert here.observe().serves(2)
    assert here.observe().sharing == ()


def test_a_switch_back_ends_a_share_and_then_the_release_can_go(server: ApiServer, api: KubernetesApi) -> None:
    old, new = release(1), release(2)
    here = begun(api, old, new)
    here.share(old, new, 0.5)
    here.switch(old)
    assert backends(server) == {"/web": [("web", None)]}
    assert server.names("Service") == ["web"]
    here.remove(2)
    assert here.observe().releases == (1,)


def test_a_share_that_is_refused_is_still_seen_so_that_it_is_switched_back(
    server: ApiServer, api: KubernetesApi
) -> None:
    old, new = release(1), release(2)
    here = begun(api, old, new)
    server.controller = lambda route: says(route, {**NOT_ALLOWED, "reason": "UnsupportedValue"})
    with pytest.raises(ClusterError, match="UnsupportedValue"):
        here.share(old, new, 0.5)
    assert here.observe().sharing == (2,)
    server.controller = accepts
    here.switch(old)
    assert here.observe().sharing == ()


def test_no_share_is_none_or_all(server: ApiServer, api: KubernetesApi) -> None:
    old, new = release(1), release(2)
    here = begun(api, old, new)
    here.share(old, new, 0.0001)
    assert backends(server)["/web"] == [("web", 999), ("web-r2", 1)]
    here.share(old, new, 0.9999)
    assert backends(server)["/web"] == [("web", 1), ("web-r2", 999)]
    with pytest.raises(ClusterError, match="an Ingress leads no share"):
        cluster(api, None).share(old, new, 0.5)


def test_host_names_that_only_one_of_both_has(server: ApiServer, api: KubernetesApi) -> None:
    old, new = of(address("web", "/", "a.example", "b.example")), of(address("web", "/", "a.example", "c.example"))
    found = Kubernetes("shop", gateway="public").shares(
        dataclasses.replace(old, release=1), dataclasses.replace(new, release=2), 500
    )[1]
    led = {
        host: [len(rule["backendRefs"]) for rule in item["spec"]["rules"]]
        for item in found
        for host in item["spec"]["hostnames"]
    }
    assert led == {"a.example": [2], "b.example": [1], "c.example": [1]}
