"""What every Edge must do. A driver's tests subclass EdgeContract and give it a `lab`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pytest

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.routes import route
from shipway.ports import Edge

NOWHERE = (None, "")


class EdgeLab(Protocol):
    """An edge of its own, a network with three containers behind it, and free ports: the last is never asked for."""

    @property
    def edge(self) -> Edge: ...

    networks: Mapping[str, Sequence[str]]
    upstreams: tuple[str, str, str]  # http://NAME:PORT; each answers every path with 200 and its own address
    broken: str  # an upstream that can't be reached
    ports: tuple[int, int, int]

    def request(self, host: str, port: int, path: str) -> tuple[int | None, str]:
        """Release (by the answer's header) and upstream that a request reaches; (None, "") where no route takes it."""

    def restart(self) -> None:
        """Of the edge."""


class EdgeContract:
    """Runs over the real proxy and over the one in memory. An edge is shared by the tests of a class."""

    @pytest.fixture(autouse=True)
    def _ready(self, lab: EdgeLab) -> None:
        lab.edge.ensure([Publish(lab.ports[0], lab.ports[0])], lab.networks)

    def table(
        self, lab: EdgeLab, release: int, upstream: str, host: str = "one.localhost", **more: str
    ) -> dict[str, Any]:
        """`/` to the upstream; more: name of a route to its upstream, at /NAME."""
        routes = [route("front", "/", "/", release, [upstream])]
        routes += [route(name, f"/{name}", "/", release, [url]) for name, url in more.items()]
        return {"release": release, "url": {"scheme": "http", "host": host, "port": lab.ports[0]}, "routes": routes}

    def reached(self, lab: EdgeLab, path: str = "/", host: str = "one.localhost") -> tuple[int | None, str]:
        return lab.request(host, lab.ports[0], path)

    def test_nothing_is_routed_at_first(self, lab: EdgeLab) -> None:
        assert lab.edge.routes("one") is None
        assert self.reached(lab) == NOWHERE
        lab.edge.remove("one")

    def test_a_switch_is_in_effect_when_it_returns(self, lab: EdgeLab) -> None:
        for release, upstream in enumerate(lab.upstreams, start=1):
            table = self.table(lab, release, upstream)
            lab.edge.switch("one", table)
            assert self.reached(lab) == (release, upstream)
            assert lab.edge.routes("one") == table
        lab.edge.switch("one", table)
        assert self.reached(lab) == (3, lab.upstreams[2])

    def test_the_same_release_may_move(self, lab: EdgeLab) -> None:
        for upstream in (*lab.upstreams, *lab.upstreams):
            lab.edge.switch("one", self.table(lab, 7, upstream))
            assert self.reached(lab) == (7, upstream)

    def test_the_longest_prefix_wins_at_whole_parts_of_a_path(self, lab: EdgeLab) -> None:
        front, api, admin = lab.upstreams
        table = self.table(lab, 1, front, **{"api": api, "api/admin": admin})
        lab.edge.switch("one", table)
        expected = {
            "/": front,
            "/api": api,
            "/api/": api,
            "/api/items?page=2": api,
            "/apix": front,
            "/x/api": front,
            "/api/admin": admin,
            "/api/admin/users": admin,
            "/api/administrators": api,
        }
        assert {path: self.reached(lab, path)[1] for path in expected} == expected

    def test_owners_do_not_meet(self, lab: EdgeLab) -> None:
        front, other, _ = lab.upstreams
        lab.edge.switch("one", self.table(lab, 1, front))
        lab.edge.switch("two", self.table(lab, 5, other, "two.localhost"))
        assert self.reached(lab) == (1, front)
        assert self.reached(lab, host="two.localhost") == (5, other)
        assert self.reached(lab, host="TWO.localhost") == (5, other)
        assert self.reached(lab, host="three.localhost") == NOWHERE
        lab.edge.remove("one")
        lab.edge.remove("one")
        assert self.reached(lab) == NOWHERE
        assert lab.edge.routes("one") is None
        assert self.reached(lab, host="two.localhost") == (5, other)

    def test_an_address_belongs_to_one_owner(self, lab: EdgeLab) -> None:
        front, other, _ = lab.upstreams
        lab.edge.switch("one", self.table(lab, 1, front))
        with pytest.raises(EdgeError, match=r"one\.localhost.*already served by one"):
            lab.edge.switch("two", self.table(lab, 5, other))
        assert self.reached(lab) == (1, front)
        assert lab.edge.routes("two") is None
        lab.edge.remove("one")
        lab.edge.switch("two", self.table(lab, 5, other))
        assert self.reached(lab) == (5, other)

    def test_addresses_and_plain_names(self, lab: EdgeLab) -> None:
        for host in ("localhost", "127.0.0.1", "shop.example.org"):
            lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0], host))
            assert self.reached(lab, host=host) == (1, lab.upstreams[0])
            assert self.reached(lab, host="other.localhost") == NOWHERE

    def test_a_switch_that_fails_leaves_what_was(self, lab: EdgeLab) -> None:
        with pytest.raises(EdgeError):
            lab.edge.switch("one", self.table(lab, 2, lab.broken))
        assert lab.edge.routes("one") is None
        table = self.table(lab, 1, lab.upstreams[0])
        lab.edge.switch("one", table)
        with pytest.raises(EdgeError):
            lab.edge.switch("one", self.table(lab, 2, lab.broken))
        assert lab.edge.routes("one") == table
        assert self.reached(lab) == (1, lab.upstreams[0])

    def test_tables_that_can_not_be_routed(self, lab: EdgeLab) -> None:
        table = self.table(lab, 1, lab.upstreams[0])
        (route,) = table["routes"]
        wrong = [
            {**table, "url": {"host": "one.localhost", "port": lab.ports[2]}},
            {**table, "url": {"host": "a`) || Host(`b", "port": lab.ports[0]}},
            {**table, "routes": []},
            {**table, "routes": [{**route, "prefix": "api"}]},
            {**table, "routes": [route("front", "/", "/", 1, [])]},
        ]
        for item in wrong:
            with pytest.raises(EdgeError):
                lab.edge.switch("one", item)
        assert lab.edge.routes("one") is None

    def test_routes_outlast_a_restart(self, lab: EdgeLab) -> None:
        table = self.table(lab, 4, lab.upstreams[0])
        lab.edge.switch("one", table)
        lab.restart()
        lab.edge.ensure([], {})
        assert lab.edge.routes("one") == table
        assert self.reached(lab) == (4, lab.upstreams[0])

    def test_ports_add_up(self, lab: EdgeLab) -> None:
        first, second, _ = lab.ports
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        lab.edge.ensure([Publish(second, second)], {})
        assert self.reached(lab) == (1, lab.upstreams[0])
        table = self.table(lab, 9, lab.upstreams[1])
        lab.edge.switch("two", {**table, "url": {"host": "one.localhost", "port": second}})
        assert lab.request("one.localhost", second, "/") == (9, lab.upstreams[1])
        assert lab.request("one.localhost", first, "/") == (1, lab.upstreams[0])
        lab.edge.ensure([Publish(first, first)], lab.networks)
        assert lab.request("one.localhost", second, "/") == (9, lab.upstreams[1])
