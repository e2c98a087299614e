"""The conformance suite of an Edge's host names and route options. A driver's tests subclass RouteContract."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pytest

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.routes import route
from shipway.ports import Edge
from shipway.testing.replies import Reply

# bcrypt of "open sesame" at the lowest cost.
HASH = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
PASSWORD = "open sesame"
URL = {"scheme": "http", "host": "one.localhost"}


class RouteLab(Protocol):
    """An edge of its own, a network with three containers behind it, and free ports."""

    @property
    def edge(self) -> Edge: ...

    networks: Mapping[str, Sequence[str]]
    upstreams: tuple[str, str, str]  # http://NAME:PORT; each answers /slow after 3 s, and with 4 KB at /large
    ports: tuple[int, int, int]

    @property
    def client(self) -> str:
        """The address of the requests."""

    def ask(
        self,
        host: str,
        port: int,
        path: str,
        *,
        method: str = "GET",
        body: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request with a body of this length; headers: names in lower case."""

    def inside(self, host: str, port: int, path: str) -> tuple[int | None, str]:
        """Release and upstream that a request from a `visit` of owner `one` reaches."""


class RouteContract:
    """Runs on the real proxy and on the in-memory one. The tests of a class share an edge."""

    @pytest.fixture(autouse=True)
    def _ready(self, lab: RouteLab) -> None:
        lab.edge.ensure([Publish(lab.ports[0], lab.ports[0])], lab.networks, {**self.url(lab), "limits": True})

    def url(self, lab: RouteLab, **more: Any) -> dict[str, Any]:
        return {**URL, "port": lab.ports[0], **more}

    def switch(
        self, lab: RouteLab, *routes: dict[str, Any], access: Any = None, owner: str = "one", **url: Any
    ) -> None:
        table = {"release": 1, "url": self.url(lab, **url), "routes": list(routes)}
        table |= {"access": access} if access else {}
        lab.edge.switch(owner, table)
        assert lab.edge.routes(owner) == table

    def front(self, lab: RouteLab, **options: Any) -> dict[str, Any]:
        """All paths to the first upstream."""
        return route("front", "/", "/", 1, [lab.upstreams[0]], options=options)

    def api(self, lab: RouteLab, **options: Any) -> dict[str, Any]:
        """/api to the second upstream."""
        return route("api", "/api", "/", 1, [lab.upstreams[1]], options=options)

    def get(self, lab: RouteLab, path: str, host: str = "one.localhost", **more: Any) -> Reply:
        return lab.ask(host, lab.ports[0], path, **more)

    def test_aliases_serve_the_same(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab), self.api(lab), aliases=["Alias.localhost", "alias.example"])
        for host in ("one.localhost", "alias.localhost", "ALIAS.example"):
            assert [self.get(lab, path, host).upstream for path in ("/", "/api/x")] == list(lab.upstreams[:2])
        assert self.get(lab, "/", "other.localhost").status == 404
        self.switch(lab, self.front(lab))
        assert self.get(lab, "/", "alias.localhost").status == 404

    def test_former_names_redirect_with_path_and_query(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab), redirects=["www.one.localhost", "old.example"])
        target = f"http://one.localhost:{lab.ports[0]}".removesuffix(":80")
        for host in ("www.one.localhost", "OLD.example"):
            for path in ("/", "/a/b?c=d&e=f%20g", "/a%2Fb"):
                reply = self.get(lab, path, host)
                assert (reply.status, reply.headers["location"]) == (301, f"{target}{path}")
            assert self.get(lab, "/form", host, method="POST", body=3).status == 308  # keeps method and body
        assert self.get(lab, "/").status == 200

    def test_routes_at_their_own_names(self, lab: RouteLab) -> None:
        """Two services with the same path, at different names."""
        api = route("api", "/", "/", 1, [lab.upstreams[1]], options={"hosts": ["api.localhost", "api.example"]})
        self.switch(lab, self.front(lab), api, aliases=["alias.localhost"], domains=["api.localhost", "api.example"])
        expected = {"one": 0, "alias": 0, "api": 1}
        assert {
            name: lab.upstreams.index(self.get(lab, "/x", f"{name}.localhost").upstream) for name in expected
        } == expected
        assert self.get(lab, "/x", "api.example").upstream == lab.upstreams[1]

    def test_further_names_belong_to_one_owner(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab), aliases=["alias.localhost"], redirects=["old.localhost"])
        for name in ("alias.localhost", "old.localhost"):
            for url in ({"host": name}, {"host": "two.localhost", "aliases": [name]}, {"host": "two.localhost", "redirects": [name]}):  # fmt: skip
                with pytest.raises(EdgeError, match=rf"{name}.*already served by one"):
                    self.switch(lab, self.front(lab), owner="two", **url)
        assert lab.edge.routes("two") is None

    def test_wildcards_come_after_exact_names(self, lab: RouteLab) -> None:
        api = route("api", "/", "/", 1, [lab.upstreams[1]], options={"hosts": ["api.one.localhost"]})
        files = route("files", "/files", "/", 1, [lab.upstreams[2]])
        further: dict[str, Any] = {
            "aliases": ["*.one.localhost"],
            "domains": ["api.one.localhost"],
            "redirects": ["www.one.localhost"],
        }
        self.switch(lab, self.front(lab), files, api, **further)
        expected = {"a": 0, "b-2": 0, "api": 1}
        assert {
            name: lab.upstreams.index(self.get(lab, "/x", f"{name}.one.localhost").upstream) for name in expected
        } == expected
        assert self.get(lab, "/files/x", "a.one.localhost").upstream == lab.upstreams[2]
        assert self.get(lab, "/files/x", "api.one.localhost").upstream == lab.upstreams[1]
        assert self.get(lab, "/x", "www.one.localhost").status == 301
        assert [self.get(lab, "/x", host).status for host in ("a.b.one.localhost", "two.localhost")] == [404, 404]

    def test_names_that_can_not_be_routed(self, lab: RouteLab) -> None:
        for key in ("aliases", "redirects", "domains"):
            url = self.url(lab, **{key: ["a`) || Host(`b"]})
            with pytest.raises(EdgeError, match="not a routable host name"):
                lab.edge.switch("one", {"release": 1, "url": url, "routes": [self.front(lab)]})

    def test_a_page_stands_before_all_names(self, lab: RouteLab) -> None:
        further = {"aliases": ["alias.localhost"], "domains": ["api.localhost"]}
        api = route("api", "/", "/", 1, [lab.upstreams[1]], options={"hosts": ["api.localhost"]})
        self.switch(lab, self.front(lab), api, aliases=["alias.localhost"], domains=["api.localhost"])
        names = ("one.localhost", "alias.localhost", "api.localhost")
        lab.edge.maintain("one", self.url(lab, **further), "<p>soon</p>")
        assert [self.get(lab, "/", name).status for name in names] == [503] * 3
        lab.edge.maintain("one", self.url(lab, **further), None)
        assert [self.get(lab, "/", name).status for name in names] == [200] * 3

    def test_a_prefix_is_stripped(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab), self.api(lab, strip=True))
        seen = {path: self.get(lab, path).path for path in ("/api", "/api/", "/api/x/api?y=1", "/apix", "/x/api")}
        assert seen == {"/api": "/", "/api/": "/", "/api/x/api?y=1": "/x/api?y=1", "/apix": "/apix", "/x/api": "/x/api"}
        self.switch(lab, self.front(lab), self.api(lab))
        assert self.get(lab, "/api/x").path == "/api/x"

    def test_headers_are_added_to_responses_of_their_route(self, lab: RouteLab) -> None:
        headers = {"X-Frame-Options": "DENY", "Content-Security-Policy": "default-src 'self'; img-src {{x}} ü"}
        self.switch(lab, self.front(lab, response_headers=headers), self.api(lab))
        reply = self.get(lab, "/")
        assert reply.headers["x-frame-options"] == "DENY"
        assert "{{x}}" in reply.headers["content-security-policy"]
        assert "x-frame-options" not in self.get(lab, "/api").headers

    def test_long_bodies_are_refused_on_their_route(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab, body=1000), self.api(lab))
        statuses = [self.get(lab, path, method="POST", body=size).status for path, size in
                    (("/", 1000), ("/", 1001), ("/", 5_000_000), ("/api", 5_000_000), ("/", 0))]  # fmt: skip
        assert statuses == [200, 413, 413, 200, 200]

    def login(self, name: str, password: str) -> dict[str, str]:
        return {"authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}

    def test_only_those_with_a_password_are_let_in(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab), access={"users": [f"ada:{HASH}", f"bob:{HASH}"]}, aliases=["alias.localhost"])
        for host in ("one.localhost", "alias.localhost"):
            assert self.get(lab, "/", host).status == 401
            assert self.get(lab, "/", host, headers=self.login("ada", "wrong")).status == 401
            assert self.get(lab, "/", host, headers=self.login("eve", PASSWORD)).status == 401
            assert self.get(lab, "/", host, headers=self.login("ada", PASSWORD)).status == 200
        assert lab.edge.probe("one", 1) is None  # Shipway's own requests need none
        with pytest.raises(EdgeError, match="no user"):
            self.switch(lab, self.front(lab), access={"users": []})
        assert self.get(lab, "/").status == 401
        self.switch(lab, self.front(lab))
        assert self.get(lab, "/").status == 200

    def test_only_listed_addresses_are_let_in(self, lab: RouteLab) -> None:
        for allow, status in ((["198.51.100.0/24"], 403), (["198.51.100.0/24", lab.client], 200)):
            self.switch(lab, self.front(lab), access={"allow": allow})
            assert self.get(lab, "/").status == status
            assert lab.edge.probe("one", 1) is None
        self.switch(lab, self.front(lab), access={"allow": [lab.client], "users": [f"ada:{HASH}"]})  # both must hold
        assert self.get(lab, "/").status == 401
        assert self.get(lab, "/", headers=self.login("ada", PASSWORD)).status == 200

    def test_a_page_keeps_out_whom_the_table_keeps_out(self, lab: RouteLab) -> None:
        began = time.time()
        self.switch(lab, self.front(lab), access={"allow": [lab.client], "users": [f"ada:{HASH}"]})
        lab.edge.maintain("one", self.url(lab), "<p>soon</p>")
        assert self.get(lab, "/").status == 401
        assert self.get(lab, "/", headers=self.login("ada", PASSWORD)).status == 503
        until = time.monotonic() + 30  # the edge writes its log a moment later
        while not lab.edge.asked("one", began) and time.monotonic() < until:
            time.sleep(0.1)
        assert lab.edge.asked("one", began)
        lab.edge.maintain("one", self.url(lab), None)
        assert self.get(lab, "/").status == 401

    def test_a_page_follows_the_table_whom_it_keeps_out(self, lab: RouteLab) -> None:
        """Before the first routes it has their rules; then those of the routes that were switched to last."""
        url = self.url(lab)
        lab.edge.maintain("one", url, "<p>soon</p>", {"users": [f"ada:{HASH}"]})
        assert self.get(lab, "/").status == 401
        assert self.get(lab, "/", headers=self.login("ada", PASSWORD)).status == 503
        for access, status in (({"users": [f"ada:{HASH}"]}, 401), ({"allow": ["198.51.100.0/24"]}, 403), (None, 503)):
            self.switch(lab, self.front(lab), access=access)
            assert self.get(lab, "/").status == status
        self.switch(lab, self.front(lab), access={"users": [f"ada:{HASH}"]})
        assert self.get(lab, "/").status == 401
        lab.edge.maintain("one", url, None)

    def test_checks_are_let_in(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab), access={"allow": ["198.51.100.0/24"], "users": [f"ada:{HASH}"]})
        assert lab.inside("one.localhost", lab.ports[0], "/") == (1, lab.upstreams[0])
        assert self.get(lab, "/").status == 403
        assert lab.edge.routes("one")

    def test_large_responses_are_compressed_on_their_route(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab, compress=True), self.api(lab))
        accepts = {"accept-encoding": "gzip"}
        assert self.get(lab, "/large", headers=accepts).headers["content-encoding"] == "gzip"
        for path, headers in (("/large", {}), ("/", accepts), ("/api/large", accepts)):
            assert "content-encoding" not in self.get(lab, path, headers=headers).headers

    def test_visitors_stay_at_one_container(self, lab: RouteLab) -> None:
        pair = list(lab.upstreams[:2])
        sticky = route("front", "/", "/", 1, pair, options={"sticky": True})
        self.switch(lab, sticky)
        seen = set()
        for _ in range(4):
            reply = self.get(lab, "/")
            cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
            assert {self.get(lab, "/", headers=cookie).upstream for _ in range(4)} == {reply.upstream}
            seen.add(reply.upstream)
        assert seen == set(pair)
        self.switch(lab, {**sticky, "groups": [{"release": 2, "weight": 1, "upstreams": [lab.upstreams[2]]}]})
        assert self.get(lab, "/", headers=cookie).upstream == lab.upstreams[2]  # its container is gone

    def test_a_service_that_does_not_begin_to_answer_in_time(self, lab: RouteLab) -> None:
        self.switch(lab, self.front(lab, timeout=0.5), self.api(lab, strip=True))
        assert self.get(lab, "/slow").status == 504
        assert self.get(lab, "/").status == 200
        assert self.get(lab, "/api/slow").status == 200
