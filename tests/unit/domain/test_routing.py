"""What a plan says of names and routes, as a route table."""

from __future__ import annotations

import dataclasses
import re

import pytest

from shipway.domain.desired import Settings, public_table, render_desired
from shipway.domain.plan import Environment, Health, Plan, Service
from shipway.domain.routes import blend, mix, serves
from shipway.domain.routing import Access, Routing, Tls, user_lines
from shipway.testing.edge_routes import HASH
from tests.unit.domain.samples import release

WEB = Service("web", image="web:1", port=80, route="/", health=Health(path="/ok"))
ADMIN = Service("admin", image="web:1", port=80, route="/", health=Health(tcp=True), routing=Routing(compress=True))
API = Service(
    "api", image="web:1", port=80, route="/api", health=Health(tcp=True), routing=Routing(strip=True, body=9, protocol="h2c")
)  # fmt: skip
STAGING = Environment(
    "staging", "https://a.example", aliases=("b.example",), domains={"admin": ("*.c.example", "b2.example")},
    redirects=("www.a.example",), access=Access("USERS", ("10.0.0.0/8",)), tls=Tls(certificate="CERT", key="KEY"),
)  # fmt: skip


def table(environment: Environment, *services: Service) -> dict[str, object]:
    plan = Plan("shop", {item.name: item for item in services}, environments={environment.name: environment})
    images = dict.fromkeys(plan.services, "web@sha256:1")
    secrets = {"USERS": f"ada:{HASH}\n\n bob:{HASH}\n", "CERT": "c", "KEY": "k"}
    made = dataclasses.replace(release(7), plan=plan, images=images)
    found = render_desired(made, environment, Settings("v1", secrets)).routes
    assert found is not None
    return dict(found)


def test_only_what_a_plan_sets_is_in_the_table() -> None:
    """Otherwise every environment would be switched by the first deployment of a newer Shipway."""
    found = table(Environment("staging", "http://a.example"), WEB)
    assert found["url"] == {"scheme": "http", "host": "a.example", "port": 80}
    assert set(found) == {"release", "url", "routes"}
    assert set(found["routes"][0]) == {"name", "prefix", "health", "groups"}  # type: ignore[index]


def test_everything() -> None:
    found = table(STAGING, WEB, ADMIN, API)
    assert found["url"] == {
        "scheme": "https", "host": "a.example", "port": 443, "tls": {"own": True}, "aliases": ["b.example"],
        "domains": ["*.c.example", "b2.example"], "redirects": ["www.a.example"], "limits": True,
    }  # fmt: skip
    assert found["access"] == {"users": [f"ada:{HASH}", f"bob:{HASH}"], "allow": ["10.0.0.0/8"]}
    assert found["certificates"] == [{"certificate": "c", "key": "k"}]
    web, admin, api = found["routes"]  # type: ignore[misc]
    assert "hosts" not in web
    assert (admin["hosts"], admin["compress"]) == (["*.c.example", "b2.example"], True)
    assert (api["strip"], api["body"], api["health"]) == (True, 9, "/")
    assert api["groups"][0]["upstreams"][0].startswith("h2c://")
    claimed = public_table(Plan("shop", {"web": WEB}), STAGING)
    assert claimed is not None
    assert claimed["url"]["aliases"] == ["b.example"]


def test_a_share_is_of_the_same_names() -> None:
    """Two services with one path keep their requests while a release takes over."""
    old, new = table(STAGING, WEB, ADMIN), table(STAGING, WEB, ADMIN)
    for both in (blend(old, new, 0.5), mix(old, new, 1)):
        assert [item["name"] for item in both["routes"]] == ["web", "admin"]
    assert all(len(item["groups"]) == 2 for item in blend(old, new, 0.5)["routes"])


def test_names() -> None:
    assert STAGING.public_names == ("a.example", "b.example", "*.c.example", "b2.example")
    assert STAGING.exact_names == ("a.example", "b.example", "b2.example")
    pairs = {("a", "a"): True, ("*.a", "x.a"): True, ("*.a", "a"): False, ("*.a", "x.y.a"): False, ("*.a", ".a"): False}
    assert {pair: serves(*pair) for pair in pairs} == pairs


@pytest.mark.parametrize("text", ["", "\n", "ada", "ada:secret", f"{HASH}", f"ada:{HASH}\nbob:x", f"a b:{HASH}"])
def test_lines_of_users(text: str) -> None:
    with pytest.raises(ValueError, match="NAME:HASH") as caught:
        user_lines(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"ada:{HASH}\nbob:{HASH}\nada:{HASH}", "line 3 is a second one of the same user"),
        (f"ada:{HASH}\nbob:{HASH.replace('$04$', '$13$')}", "line 2 has a bcrypt cost of 13, not 4 to 12"),
        (f"ada:{HASH.replace('$04$', '$31$')}", "bcrypt cost of 31"),
        (f"ada:{HASH.replace('$04$', '$03$')}", "bcrypt cost of 3"),
    ],
)
def test_users_that_would_harm(text: str, why: str) -> None:
    """An edge computes the hash for each request, also for those with a wrong password."""
    with pytest.raises(ValueError, match=re.escape(why)) as caught:
        user_lines(text)
    assert HASH[8:] not in str(caught.value)
    assert len(user_lines(f"ada:{HASH.replace('$04$', '$12$')}")) == 1
