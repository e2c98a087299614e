"""The conformance suite of Edge. A driver's tests subclass EdgeContract and provide a `lab`."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pytest

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.routes import blend, route
from shipway.domain.traffic import Traffic
from shipway.ports import Edge

NOWHERE = (None, "")


class EdgeLab(Protocol):
    """An edge of its own, a network with three containers behind it, and free ports: the last is never requested."""

    @property
    def edge(self) -> Edge: ...

    networks: Mapping[str, Sequence[str]]
    upstreams: tuple[str, str, str]  # http://NAME:PORT; each answers /fail with 500, every other path with 200
    broken: str  # an unreachable upstream
    ports: tuple[int, int, int]

    def request(self, host: str, port: int, path: str, *, inside: bool = False) -> tuple[int | None, str]:
        """Release (from the response's header) and upstream that a request reaches; (None, "") if no route matches,
        (None, page) under maintenance. inside: from a `visit`."""

    def restart(self) -> None:
        """Restart the edge."""


class EdgeContract:
    """Runs on the real proxy and on the in-memory one. The tests of a class share an edge."""

    @pytest.fixture(autouse=True)
    def _ready(self, lab: EdgeLab) -> None:
        lab.edge.ensure([Publish(lab.ports[0], lab.ports[0])], lab.networks)

    def table(
        self, lab: EdgeLab, release: int, upstream: str, host: str = "one.localhost", **more: str
    ) -> dict[str, Any]:
        """A table with `/` to the upstream; more: name of a route to its upstream, at /NAME."""
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
        mine, beside = self.table(lab, 5, other), self.table(lab, 5, other, "ONE.localhost")
        assert lab.edge.taken("two", beside) == (f"http://one.localhost:{lab.ports[0]}/", "one")
        assert lab.edge.taken("one", mine) is None
        assert lab.edge.taken("two", self.table(lab, 5, other, "two.localhost")) is None
        lab.edge.remove("one")
        assert lab.edge.taken("two", mine) is None
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
        (front,) = table["routes"]
        wrong = [
            {**table, "url": {"host": "one.localhost", "port": lab.ports[2]}},
            {**table, "url": {"host": "a`) || Host(`b", "port": lab.ports[0]}},
            {**table, "routes": []},
            {**table, "routes": [{**front, "prefix": "api"}]},
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
        lab.edge.ensure([Publish(second, second)], lab.networks)
        assert self.reached(lab) == (1, lab.upstreams[0])
        table = self.table(lab, 9, lab.upstreams[1])
        lab.edge.switch("two", {**table, "url": {"host": "one.localhost", "port": second}})
        assert lab.request("one.localhost", second, "/") == (9, lab.upstreams[1])
        assert lab.request("one.localhost", first, "/") == (1, lab.upstreams[0])
        lab.edge.ensure([Publish(first, first)], lab.networks)
        assert lab.request("one.localhost", second, "/") == (9, lab.upstreams[1])

    def blended(self, lab: EdgeLab, share: float) -> dict[str, Any]:
        """Release 1 at the first upstream, with this share of release 2 at the second one."""
        return blend(self.table(lab, 1, lab.upstreams[0]), self.table(lab, 2, lab.upstreams[1]), share)

    def test_shares_are_kept(self, lab: EdgeLab) -> None:
        table = self.blended(lab, 0.2)
        lab.edge.switch("one", table)
        assert lab.edge.routes("one") == table
        answers = Counter(self.reached(lab) for _ in range(500))
        assert set(answers) == {(1, lab.upstreams[0]), (2, lab.upstreams[1])}
        assert 60 <= answers[2, lab.upstreams[1]] <= 140

    def test_a_share_grows_and_is_taken_back(self, lab: EdgeLab) -> None:
        old, new = self.table(lab, 1, lab.upstreams[0]), self.table(lab, 2, lab.upstreams[1])
        for share in (0.05, 0.5):
            lab.edge.switch("one", blend(old, new, share))
        lab.edge.switch("one", new)
        assert {self.reached(lab) for _ in range(20)} == {(2, lab.upstreams[1])}
        lab.edge.switch("one", blend(old, new, 0.5))
        lab.edge.switch("one", old)
        assert {self.reached(lab) for _ in range(20)} == {(1, lab.upstreams[0])}

    def test_every_release_with_a_share_must_be_reached(self, lab: EdgeLab) -> None:
        old, broken = self.table(lab, 1, lab.upstreams[0]), self.table(lab, 2, lab.broken)
        lab.edge.switch("one", old)
        for share in (0.01, 0.99):
            with pytest.raises(EdgeError):
                lab.edge.switch("one", blend(old, broken, share))
            assert lab.edge.routes("one") == old
            assert {self.reached(lab) for _ in range(20)} == {(1, lab.upstreams[0])}

    def test_a_release_is_probed_whatever_its_share(self, lab: EdgeLab) -> None:
        assert lab.edge.probe("one", 1) is not None
        table = self.blended(lab, 0.001)
        table["routes"][0]["health"] = "/healthz?deep=1"
        lab.edge.switch("one", table)
        assert [lab.edge.probe("one", release) for release in (1, 2)] == [None, None]
        assert lab.edge.probe("one", 3) is not None
        table["routes"][0]["health"] = "/fail"
        lab.edge.switch("one", table)
        assert "500" in (lab.edge.probe("one", 2) or "")

    def test_traffic_is_counted_by_release(self, lab: EdgeLab) -> None:
        lab.edge.switch("one", self.blended(lab, 0.5))
        before = {release: lab.edge.traffic("one").get(release, Traffic()) for release in (1, 2)}
        answers = Counter(self.reached(lab, "/fail" if number < 8 else "/")[0] for number in range(40))
        lab.edge.probe("one", 1)  # not a visitor
        after = lab.edge.traffic("one")
        counted = {release: after[release] - before[release] for release in (1, 2)}
        assert {release: item.requests for release, item in counted.items()} == answers
        assert sum(item.errors for item in counted.values()) == 8
        for item in counted.values():
            assert min(item.seconds) <= 0.005
            assert max(item.seconds) >= 10
            assert max(item.seconds.values()) == item.requests
            assert item.slowest is not None
        assert lab.edge.traffic("two") == {}

    def test_a_page_stands_before_everything_until_it_is_taken_away(self, lab: EdgeLab) -> None:
        first, second = (self.table(lab, number, lab.upstreams[number]) for number in (1, 2))
        lab.edge.switch("one", first)
        lab.edge.switch("two", self.table(lab, 5, lab.upstreams[0], "two.localhost"))
        assert not lab.edge.maintained("one")
        began = time.time() - 1.0
        assert not lab.edge.asked("one", began)
        page = "<h1>Back {{ soon }} ü</h1>"
        for text in ("<h1>Wait</h1>", page, page):
            lab.edge.maintain("one", first["url"], text)
            assert [self.reached(lab, path) for path in ("/", "/any?x=1")] == [(None, text)] * 2
        assert lab.edge.maintained("one")
        assert not lab.edge.maintained("two")
        deadline = time.monotonic() + 60
        while not lab.edge.asked("one", began):  # an engine delivers what was written a moment later
            assert time.monotonic() < deadline
        assert not lab.edge.asked("two", began)
        assert self.reached(lab, host="two.localhost") == (5, lab.upstreams[0])
        lab.edge.switch("one", second)
        assert self.reached(lab) == (None, page)
        assert lab.request("one.localhost", lab.ports[0], "/", inside=True) == (2, lab.upstreams[2])
        assert lab.edge.probe("one", 2) is None
        lab.restart()
        lab.edge.ensure([], {})
        assert self.reached(lab) == (None, page)
        for _ in range(2):
            lab.edge.maintain("one", first["url"], None)
            assert self.reached(lab) == (2, lab.upstreams[2])
        assert not lab.edge.maintained("one")

    def test_it_tells_its_public_ports(self, lab: EdgeLab) -> None:
        assert lab.ports[0] in lab.edge.ports()

    def test_what_a_page_hides_never_shows_while_both_end(self, lab: EdgeLab) -> None:
        table = self.table(lab, 1, lab.upstreams[0])
        lab.edge.switch("one", table)
        lab.edge.maintain("one", table["url"], "<p>closed</p>")
        seen, over = list[int | None](), threading.Event()

        def visit() -> None:
            while not over.is_set():
                seen.append(self.reached(lab)[0])

        thread = threading.Thread(target=visit)
        thread.start()
        lab.edge.remove("one")
        over.set()
        thread.join()
        assert set(seen) == {None}

    def test_maintenance_ends_with_its_owner(self, lab: EdgeLab) -> None:
        table = self.table(lab, 1, lab.upstreams[0])
        lab.edge.switch("one", table)
        lab.edge.maintain("one", table["url"], "<p>x</p>")
        lab.edge.remove("one")
        assert not lab.edge.maintained("one")
        assert self.reached(lab) == NOWHERE
        lab.edge.maintain("one", table["url"], "<p>before the first release</p>")
        assert self.reached(lab) == (None, "<p>before the first release</p>")
        lab.edge.remove("one")
        assert self.reached(lab) == NOWHERE

    def test_one_more_port_interrupts_no_one(self, lab: EdgeLab) -> None:
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        asked = [Publish(port, port) for port in lab.ports]
        for port in asked:
            assert lab.edge.pending([port]) is None
        assert lab.edge.pending(asked) is None

    def test_ports_are_given_back_when_no_routes_need_them(self, lab: EdgeLab) -> None:
        first, second, _ = lab.ports
        lab.edge.switch("one", self.table(lab, 1, lab.upstreams[0]))
        lab.edge.ensure([Publish(second, second)], lab.networks)
        table = self.table(lab, 9, lab.upstreams[1])
        elsewhere = {**table, "url": {**table["url"], "port": second}}
        lab.edge.switch("two", elsewhere)
        lab.edge.trim()
        assert lab.request("one.localhost", second, "/") == (9, lab.upstreams[1])
        lab.edge.remove("two")
        lab.edge.trim()
        with pytest.raises((OSError, EdgeError)):
            lab.request("one.localhost", second, "/")
        assert lab.request("one.localhost", first, "/") == (1, lab.upstreams[0])
        lab.edge.ensure([Publish(second, second)], lab.networks)
        lab.edge.switch("two", elsewhere)
        assert lab.request("one.localhost", second, "/") == (9, lab.upstreams[1])
        lab.edge.remove("two")
        lab.edge.trim()

    def test_it_says_when_it_is_down(self, lab: EdgeLab) -> None:
        assert list(lab.edge.down()) == []
        lab.restart()
        assert lab.edge.down()
        lab.edge.ensure([], {})
        assert list(lab.edge.down()) == []
