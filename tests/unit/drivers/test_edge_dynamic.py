"""Tables of routes as Traefik's configuration. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.routes import blend, route
from shipway.domain.traffic import Traffic
from shipway.drivers.edge import page as maintenance_page
from shipway.drivers.edge.container import published, union
from shipway.drivers.edge.counters import traffic
from shipway.drivers.edge.dynamic import conflict, parse, render, resolver, version


def table(host: str = "shop.localhost", port: int = 80, release: int = 7, **prefixes: str) -> dict[str, Any]:
    routes = [
        route(name, prefix, "/healthz", release, [f"http://{name}:8000"])
        for name, prefix in (prefixes or {"front": "/"}).items()
    ]
    return {"release": release, "url": {"scheme": "http", "host": host, "port": port}, "routes": routes}


def test_a_file_gives_back_its_table() -> None:
    for item in (table(), table(front="/", api="/api/"), table(release=8)):
        assert parse(render("shop_staging", item)) == item
    assert parse("") is None


def test_a_file_of_an_older_version_is_still_understood() -> None:
    old = {"release": 7, "url": {"host": "shop.localhost", "port": 80}, "routes": [
        {"name": "front", "prefix": "/", "upstreams": ["http://front:8000"], "health": "/healthz"}]}  # fmt: skip
    assert parse(f"# {json.dumps(old)}\n") == table()


def test_routers_of_a_table() -> None:
    text = render("shop_staging", table(front="/", api="/api/"))
    comment, content, _ = text.split("\n")
    assert comment.startswith("# ")
    routers = json.loads(content)["http"]["routers"]
    assert {name: (item["rule"], item["entryPoints"]) for name, item in routers.items()} == {
        "shop_staging.-mark": ("Host(`shop.localhost`) && Path(`/.well-known/shipway/shop_staging`)", ["p80"]),
        "shop_staging.-reach.7": ("Host(`shop.localhost`) && Path(`/.well-known/shipway/shop_staging/7`)", ["p80"]),
        "shop_staging.front": ("Host(`shop.localhost`)", ["p80"]),
        "shop_staging.api": ("Host(`shop.localhost`) && (Path(`/api`) || PathPrefix(`/api/`))", ["p80"]),
    }
    order = sorted(routers, key=lambda name: -routers[name]["priority"])
    assert order == ["shop_staging.-mark", "shop_staging.-reach.7", "shop_staging.api", "shop_staging.front"]


def test_every_name_belongs_to_its_owner() -> None:
    http = json.loads(render("shop_staging", table()).split("\n")[1])["http"]
    for kind in ("routers", "services", "middlewares"):
        assert all(name.startswith("shop_staging.") for name in http[kind])


def test_no_template_of_traefik_can_be_smuggled_in() -> None:
    item = table(front='/{{ env "SECRET" }}'.replace(" ", ""))
    text = render("shop", item)
    assert "{{" not in text
    assert parse(text) == item


def test_versions_differ_where_tables_do() -> None:
    assert version(table()) == version(table())
    assert len({version(item) for item in (table(), table(release=8), table(port=81), table(api="/"))}) == 4


@pytest.mark.parametrize("host", ["", "a b", "a`) || Host(`b", "a/b", "*"])
def test_hosts_that_can_not_be_routed(host: str) -> None:
    with pytest.raises(EdgeError, match="host name"):
        render("shop", table(host))


@pytest.mark.parametrize("prefix", ["", "api", "/a`b", "/a b", "/a\nb"])
def test_paths_that_can_not_be_routed(prefix: str) -> None:
    with pytest.raises(EdgeError, match="not a routable path"):
        render("shop", table(api=prefix))


def test_conflicts() -> None:
    mine = table(front="/", api="/api")
    others = {
        "shop": mine,
        "port": table(port=81),
        "host": table("other.localhost"),
        "path": table(blog="/blog"),
    }
    assert conflict("shop", mine, others) is None
    assert conflict("shop", mine, {"x": table("SHOP.localhost", api="/api/")}) == ("http://shop.localhost:80/api", "x")


def test_plain_http_of_a_secure_address_belongs_to_it() -> None:
    secure = table()
    secure["url"] |= {"scheme": "https", "port": 443}
    beside = {**secure, "routes": [route("api", "/api", "/", 1, ["http://a:1"])]}
    assert conflict("shop", secure, {"x": beside, "y": table(api="/api")}) is None
    assert conflict("shop", secure, {"x": table()}) == ("http://shop.localhost:80/", "x")
    assert conflict("shop", table(), {"x": secure}) == ("http://shop.localhost:80/", "x")


def test_shares_and_the_header_that_tells_the_release() -> None:
    item = blend(table(release=7), table(release=8), 0.2)
    http = json.loads(render("shop", item).split("\n")[1])["http"]
    assert http["services"]["shop.front"] == {
        "weighted": {"services": [{"name": "shop.front.7", "weight": 800}, {"name": "shop.front.8", "weight": 200}]}
    }
    assert http["services"]["shop.front.8"]["middlewares"] == ["shop.8"]
    assert http["routers"]["shop.front"]["middlewares"] == ["shop.identify", "shop.front.retry"]
    assert {"shop.-reach.7", "shop.-reach.8"} <= set(http["routers"])
    whole = json.loads(render("shop", table()).split("\n")[1])["http"]
    assert "shop.front" not in whole["services"]
    assert whole["routers"]["shop.front"]["middlewares"] == ["shop.identify", "shop.7"]


def test_certificates() -> None:
    item = table()
    item["url"] |= {"scheme": "https", "port": 443, "tls": {"acme": {"email": "a@b.c"}}}
    routers = json.loads(render("shop", item).split("\n")[1])["http"]["routers"]
    assert routers["shop.front"]["tls"] == {"certResolver": resolver({"email": "a@b.c"})}
    assert routers["shop.-redirect"]["entryPoints"] == ["p80"]
    item["url"] |= {"port": 8443, "tls": {"internal": True}}
    routers = json.loads(render("shop", item).split("\n")[1])["http"]["routers"]
    assert routers["shop.front"]["tls"] == {}
    assert "shop.-redirect" not in routers


def test_a_page_gives_back_its_address() -> None:
    url = {"scheme": "http", "host": "shop.localhost", "port": 80}
    text = maintenance_page.render("shop", url, "<p>{{ x }}</p>")
    assert maintenance_page.url_of(text) == url
    assert maintenance_page.url_of("") is None
    assert "{{" not in text


def test_counters() -> None:
    text = """# HELP x
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop.front.7@file"} 5
traefik_service_requests_total{code="503",method="GET",protocol="http",service="shop.api.7@file"} 1e+00
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop.api.8@file"} 2
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop.-reach.8@file"} 9
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop.x.api.8@file"} 9
traefik_service_requests_total{code="200",method="GET",protocol="http",service="workshop.api.8@file"} 9
traefik_service_request_duration_seconds_bucket{code="200",method="GET",service="shop.front.7@file",le="0.1"} 3
traefik_service_request_duration_seconds_bucket{code="200",method="GET",service="shop.front.7@file",le="+Inf"} 5
traefik_service_request_duration_seconds_bucket{code="503",method="GET",service="shop.api.7@file",le="0.1"} 1
"""
    assert traffic(text, "shop") == {7: Traffic(6, 1, {0.1: 4}), 8: Traffic(2, 0, {})}


def test_ports_add_up() -> None:
    here, there, anywhere = Publish(80, 80), Publish(80, 80, "10.0.0.1"), Publish(80, 80, "0.0.0.0")
    assert union([], [Publish(81, 81), here, here]) == (here, Publish(81, 81))
    assert union([here], [there]) == (there, here)
    assert union([here, there], [anywhere]) == (anywhere,)
    assert union([anywhere], [here]) == (anywhere,)
    text = ",".join(f"{port.address}:{port.host_port}" for port in (here, there))
    assert published({"shipway.edge.ports": text}) == (here, there)
    assert published({}) == ()


def test_another_container_is_tried_where_there_is_one() -> None:
    def chain(*upstreams: str) -> list[str]:
        item = {**table(), "routes": [route("front", "/", "/", 7, upstreams, options={"body": 9, "compress": True})]}
        http = json.loads(render("shop_staging", item).split("\n")[1])["http"]
        assert set(http["routers"]["shop_staging.front"]["middlewares"]) <= set(http["middlewares"])
        return [name.rpartition(".")[2] for name in http["routers"]["shop_staging.front"]["middlewares"]]

    assert "retry" not in chain("http://a:8000")
    assert chain("http://a:8000", "http://b:8000")[-1] == "retry", "nearest to the containers"


def test_connections_that_may_end_unannounced_are_not_used_again() -> None:
    def transports(*upstreams: str, **options: object) -> list[dict[str, Any]]:
        item = {**table(), "routes": [route("front", "/", "/", 7, upstreams, options=options)]}
        http = json.loads(render("shop_staging", item).split("\n")[1])["http"]
        return list(http.get("serversTransports", {}).values())

    two = ("http://a:8000", "http://b:8000")
    assert [item["maxIdleConnsPerHost"] for item in transports(*two, fresh=True)] == [-1]
    assert [item.get("maxIdleConnsPerHost") for item in transports(*two)] == [None]
    assert transports("http://a:8000", fresh=True) == [], "a request for the only one has nowhere else to go"


@pytest.mark.parametrize(("status", "shown"), [(503, True), (401, False), (403, False)])
def test_only_whom_access_lets_in_has_asked_for_the_page(status: int, shown: bool) -> None:
    line = f'{{"DownstreamStatus":{status},"RouterName":"{maintenance_page.router("shop")}@file"}}'
    assert maintenance_page.was_shown("shop", [[[("stdout", line)]]]) is shown
