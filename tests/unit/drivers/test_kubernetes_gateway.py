"""Addresses at a Gateway in place of an Ingress: the routes of a release, and what a deployment does where one is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import ClusterError
from shipway.domain.plan import Service
from shipway.domain.routing import Routing
from shipway.domain.workload import AddressSpec, EnvironmentSpec, WorkloadSpec
from shipway.drivers.platform import kubernetes_leading, kubernetes_routes
from shipway.drivers.platform.kubernetes import Kubernetes
from shipway.drivers.platform.kubernetes_addresses import duration
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_cluster import KubernetesCluster
from shipway.drivers.platform.rights import rights_in
from tests.api_server import ACCEPTED, ApiServer, says, serving
from tests.unit.drivers.test_kubernetes import FULL, STAGING, spec_of

Object = dict[str, Any]


def rendered(spec: EnvironmentSpec, gateway: str = "infra/public") -> dict[tuple[str, str], Object]:
    found = Kubernetes("shop", gateway=gateway).objects(spec)
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def routes(spec: EnvironmentSpec, gateway: str = "infra/public") -> dict[str, Object]:
    return {name: item["spec"] for (kind, name), item in rendered(spec, gateway).items() if kind == "HTTPRoute"}


def redirects(spec: EnvironmentSpec) -> list[Object]:
    return [item for name, item in routes(spec).items() if name.startswith("redirect")]


def address(service: str, prefix: str, *hosts: str, **routing: Any) -> AddressSpec:
    return AddressSpec(service, 8000, hosts or ("shop.example",), prefix, Routing(**routing))


def of(*addresses: AddressSpec, **more: Any) -> EnvironmentSpec:
    workloads = tuple(WorkloadSpec(item.service, "x", 3, 1, {}, port=8000) for item in addresses)
    made = EnvironmentSpec(
        "shop", "staging", 3, "0" * 40, "r3", "http", ("shop.example",), workloads, addresses, (), (), ()
    )
    return dataclasses.replace(made, **more)


def test_a_route_in_place_of_an_ingress_with_the_longest_paths_first() -> None:
    found = rendered(spec_of(FULL))
    assert not [name for kind, name in found if kind == "Ingress"]
    several = [item for (kind, _), item in found.items() if kind == "HTTPRoute"]
    assert [item["spec"]["hostnames"] for item in several] == [["shop.example.com"], ["www.example.com"]]
    assert several[0]["spec"]["rules"] == several[1]["spec"]["rules"]
    route = several[0]
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "shipway"
    assert route["spec"]["parentRefs"] == [{"name": "public", "namespace": "infra"}]
    paths = [item["matches"][0]["path"] for item in route["spec"]["rules"]]
    assert {item["type"] for item in paths} == {"PathPrefix"}
    assert [item["value"] for item in paths] == sorted((item["value"] for item in paths), key=len, reverse=True)
    led = {item["matches"][0]["path"]["value"]: item["backendRefs"] for item in route["spec"]["rules"]}
    assert led["/api"] == [{"name": "backend", "port": FULL.services["backend"].port}]


def test_a_gateway_of_the_namespace_itself() -> None:
    (route,) = routes(of(address("web", "/")), "public").values()
    assert route["parentRefs"] == [{"name": "public"}]


def test_a_host_name_has_one_route_with_all_of_its_paths() -> None:
    found = routes(of(address("web", "/", "a.example", "b.example"), address("api", "/api", "a.example")))
    assert {item["hostnames"][0]: len(item["rules"]) for item in found.values()} == {"a.example": 2, "b.example": 1}


def test_a_host_name_keeps_its_route_when_others_come_and_go() -> None:
    """A route that is changed to other names would leave one without any for a moment."""
    one, other = routes(of(address("web", "/", "a.example", "b.example"))), routes(of(address("web", "/", "b.example")))
    assert other.items() <= one.items()


def test_what_a_plan_sets_of_a_route() -> None:
    spec = of(address("web", "/app", strip=True, headers={"X-Frame-Options": "DENY"}, timeout=2.5), address("api", "/"))
    (route,) = routes(spec).values()
    app, other = route["rules"]
    assert app["filters"] == [
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "X-Frame-Options", "value": "DENY"}]}},
    ]  # fmt: skip
    assert app["timeouts"] == {"request": "2s500ms"}
    assert other.keys() == {"matches", "backendRefs"}


def test_http_2_is_told_by_the_service() -> None:
    spec = of(address("web", "/", protocol="h2c"))
    (port,) = rendered(spec)["Service", "web"]["spec"]["ports"]
    assert port["appProtocol"] == "kubernetes.io/h2c"
    (usual,) = [item for item in Kubernetes("shop").objects(spec) if item["kind"] == "Service"]
    assert "appProtocol" not in usual["spec"]["ports"][0]
    assert Kubernetes("shop", gateway="public").unsaid(spec) == []
    assert "`protocol`" in Kubernetes("shop").unsaid(spec)[0]


@pytest.mark.parametrize(
    ("seconds", "text"), [(30.0, "30s"), (0.0001, "1ms"), (1.5, "1s500ms"), (3600.0, "1h"), (90000.0, "25h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_redirects_have_a_route_of_their_own() -> None:
    plan = dataclasses.replace(
        FULL, environments={"staging": dataclasses.replace(STAGING, redirects=("old.example.com",))}
    )
    spec = spec_of(plan)
    (route,) = redirects(spec)
    assert route["hostnames"] == ["old.example.com"]
    (rule,) = route["rules"]
    assert rule["filters"][0]["requestRedirect"] == {
        "scheme": "https", "hostname": "shop.example.com", "statusCode": 301,
    }  # fmt: skip
    assert "backendRefs" not in rule
    odd = dataclasses.replace(spec, scheme="http", port=8080)
    assert redirects(odd)[0]["rules"][0]["filters"][0]["requestRedirect"]["port"] == 8080
    assert "old.example.com" in "\n".join(Kubernetes("shop").unsaid(spec))
    assert "old.example.com" not in "\n".join((*spec.left_out, *Kubernetes("shop", gateway="public").unsaid(spec)))


def test_no_route_has_more_paths_than_the_api_permits() -> None:
    services = [address(f"s{number}", f"/s{number:02}", "a.example") for number in range(18)]
    found = routes(of(*services))
    assert [len(item["rules"]) for item in found.values()] == [16, 2]


def test_what_an_http_route_can_not_say_is_told() -> None:
    spec = of(address("web", "/", "*.example", sticky=True, compress=True, body=100, timeout=1.0, headers={"A": "b"}))
    said = Kubernetes("shop", gateway="public").unsaid(spec)
    assert len(said) == 5
    for part in ("`sticky`", "`compress`", "`body`", "must be complete by then", "`*.example` for one label"):
        assert any(part in line for line in said), part


def test_only_an_environment_at_a_gateway_needs_the_right_to_routes() -> None:
    space = {"kind": "Namespace", "metadata": {"name": "shop"}}

    def groups(*, gateway: bool) -> set[str]:
        role = next(item for item in rights_in(space, gateway=gateway) if item["kind"] == "Role")
        return {group for rule in role["rules"] for group in rule["apiGroups"]}

    assert "gateway.networking.k8s.io" in groups(gateway=True)
    assert "gateway.networking.k8s.io" not in groups(gateway=False)


# a deployment


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def api(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesApi]:
    monkeypatch.setattr(kubernetes_routes, "ANSWER", 0.3)
    monkeypatch.setattr(kubernetes_leading, "LEAVE", 0.01)
    with serving(server, tmp_path) as found:
        yield found


def cluster(api: KubernetesApi, gateway: str | None = "infra/public") -> KubernetesCluster:
    return KubernetesCluster(api, "shop", "staging", "shop-staging", gateway=gateway)


def release(number: int, *services: str) -> EnvironmentSpec:
    made = of(*(address(name, f"/{name}") for name in services or ("web",)))
    workloads = tuple(dataclasses.replace(item, release=number) for item in made.workloads)
    return dataclasses.replace(made, release=number, workloads=workloads)


def up(cluster: KubernetesCluster, spec: EnvironmentSpec) -> None:
    cluster.prepare(spec, {})
    cluster.start(spec)
    cluster.switch(spec)


def paths(server: ApiServer) -> list[str]:
    (name,) = server.names("HTTPRoute")
    rules = server.object("HTTPRoute", name)["spec"]["rules"]
    return [item["matches"][0]["path"]["value"] for item in rules]


def test_a_release_is_reached_by_a_route_which_follows_the_plan(server: ApiServer, api: KubernetesApi) -> None:
    up(cluster(api), release(1))
    assert (len(server.names("HTTPRoute")), server.names("Ingress")) == (1, [])
    up(cluster(api), release(2, "web", "api"))
    assert paths(server) == ["/web", "/api"]
    assert cluster(api).observe().serves(2)
    up(cluster(api), release(1))  # back again
    assert paths(server) == ["/web"]
    cluster(api).destroy()
    assert server.names("HTTPRoute") == []


def test_an_ingress_and_a_route_take_each_others_place(server: ApiServer, api: KubernetesApi) -> None:
    up(cluster(api, None), release(1))
    assert (server.names("HTTPRoute"), server.names("Ingress")) == ([], ["public"])
    up(cluster(api), release(2))
    assert (len(server.names("HTTPRoute")), server.names("Ingress")) == (1, [])
    up(cluster(api, None), release(1))
    assert (server.names("HTTPRoute"), server.names("Ingress")) == ([], ["public"])


NOT_ALLOWED = {
    "type": "Accepted", "status": "False", "reason": "NotAllowedByListeners", "message": "no listener takes routes of shop-staging",
}  # fmt: skip
NO_BACKEND = {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound", "message": "no Service api"}


@pytest.mark.parametrize(
    ("conditions", "said", "hint"),
    [
        ((NOT_ALLOWED,), r"HTTPRoute public-shop-example-\w+ \(shop.example\): Gateway infra/public doesn't lead its requests: "
         "NotAllowedByListeners: no listener takes routes of shop-staging", "allowedRoutes"),
        ((ACCEPTED[0], NO_BACKEND), "BackendNotFound: no Service api", "kubectl -n shop-staging describe httproute public-shop-example-"),
        ((*ACCEPTED, {"type": "PartiallyInvalid", "status": "True", "reason": "UnsupportedValue"}), "UnsupportedValue", "describe"),
        (({"type": "Accepted", "status": "Unknown", "reason": "Pending"},), "Pending", "describe"),
        ((), "no controller has answered for Gateway infra/public within 0.3 s", "kubectl -n infra get gateway public"),
    ],
)  # fmt: skip
def test_what_a_gateway_refuses_changes_nothing(
    server: ApiServer, api: KubernetesApi, conditions: tuple[Object, ...], said: str, hint: str
) -> None:
    up(cluster(api), release(1))
    server.controller = lambda route: says(route, *conditions)
    with pytest.raises(ClusterError, match=said) as caught:
        up(cluster(api), release(2, "web", "api"))
    assert hint in (caught.value.hint or "")
    assert paths(server) == ["/web"]
    assert cluster(api).observe().serving == {"web": 1}
    assert server.names("Service") == ["web"]


def test_a_first_route_that_is_refused_goes_again(server: ApiServer, api: KubernetesApi) -> None:
    server.controller = lambda route: says(route, NOT_ALLOWED)
    with pytest.raises(ClusterError, match="NotAllowedByListeners"):
        up(cluster(api), release(1))
    assert server.names("HTTPRoute") == []


def test_what_a_controller_said_of_an_older_state_or_has_not_seen_yet_is_waited_for(
    server: ApiServer, api: KubernetesApi
) -> None:
    looks = []

    def slow(route: Object) -> list[Object]:
        looks.append(route)
        older = {**NOT_ALLOWED, "observedGeneration": 0}
        return says(route, *((older,), (ACCEPTED[0], NO_BACKEND), ACCEPTED)[min(len(looks) // 2, 2)])

    server.controller = slow
    up(cluster(api), release(1))
    assert len(server.names("HTTPRoute")) == 1


def test_what_another_gateway_says_does_not_count(server: ApiServer, api: KubernetesApi) -> None:
    server.controller = lambda route: [{**item, "parentRef": {"name": "public"}} for item in says(route, *ACCEPTED)]
    with pytest.raises(ClusterError, match="no controller has answered"):
        up(cluster(api), release(1))
    server.controller = lambda route: says({**route, "spec": {"parentRefs": [{"name": "public", "namespace": "shop-staging"}]}}, *ACCEPTED)  # fmt: skip
    up(cluster(api, "public"), release(1))  # of its own namespace, which a controller may write out


def test_a_cluster_without_the_gateway_api_is_told_before_anything_starts(tmp_path: Path) -> None:
    server = ApiServer(gateway=False)
    with serving(server, tmp_path) as api:
        with pytest.raises(ClusterError, match=r"no HTTPRoute of gateway.networking.k8s.io/v1") as caught:
            up(cluster(api), release(1))
        assert "an administrator installs" in (caught.value.hint or "")
        assert server.asked == []
        up(cluster(api, None), release(1))
        assert server.names("Ingress") == ["public"]
        cluster(api, None).destroy()


def test_an_environment_with_an_ingress_needs_no_right_to_routes(server: ApiServer, api: KubernetesApi) -> None:
    server.refused["GET", "/httproutes"] = (403, "cannot list resource httproutes")
    up(cluster(api, None), release(1))
    assert server.names("Ingress") == ["public"]
    with pytest.raises(ClusterError, match="httproutes"):
        up(cluster(api), release(2))


def test_a_service_gets_its_protocol_back(server: ApiServer, api: KubernetesApi) -> None:
    first = release(1)
    grpc = dataclasses.replace(first.addresses[0], routing=Routing(protocol="h2c"))
    up(cluster(api), dataclasses.replace(first, addresses=(grpc,)))
    server.controller = lambda route: says(route, NOT_ALLOWED)
    with pytest.raises(ClusterError):
        up(cluster(api), release(2))
    assert server.object("Service", "web")["spec"]["ports"][0]["appProtocol"] == "kubernetes.io/h2c"


def test_the_plans_services_have_no_more_settings_than_are_told_or_rendered() -> None:
    """Whatever a route of the plan can set is in the HTTPRoute, or listed as what is not."""
    every = Routing(True, {"A": "b"}, 100, True, True, 2.0, "h2c")
    plan = dataclasses.replace(
        FULL, services={"web": Service("web", image="x", port=80, route="/app", routing=every)}, database=None,
        environments={"staging": dataclasses.replace(STAGING, seed=None, before_switch=(), schedules={})},
    )  # fmt: skip
    spec = spec_of(plan)
    text = repr(routes(spec)) + repr(rendered(spec)["Service", "web"])
    said = "\n".join(Kubernetes("shop", gateway="public").unsaid(spec))
    marks = {
        "strip": "URLRewrite", "headers": "ResponseHeaderModifier", "timeout": "timeouts", "protocol": "appProtocol",
        "body": "`body`", "compress": "`compress`", "sticky": "`sticky`",
    }  # fmt: skip
    for item in dataclasses.fields(Routing):
        assert marks[item.name] in text + said, item.name
