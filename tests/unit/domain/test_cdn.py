"""What two releases differ in decides what is purged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.domain.cdn import (
    ALL,
    PATH,
    PREFIX,
    TAG,
    Answered,
    Batch,
    Capabilities,
    Cdn,
    Served,
    Side,
    Targets,
    batches,
    decide,
    is_stale,
    requested,
    sample,
)
from shipway.domain.served import served_by, side
from tests.unit.domain import samples

ORIGIN = "https://shop.example"
EVERY = Capabilities({PATH: 2, PREFIX: 2, TAG: 1, ALL: 10})
OLD = {"app.js": "1", "logo.svg": "1", "gone.css": "1"}
NEW = {"app.js": "2", "logo.svg": "1", "new/index.html": "1"}


def web(files: Mapping[str, str] | None = None, path: str = "/", **more: object) -> Served:
    return Served(path, (ORIGIN,), files=files, **more)  # type: ignore[arg-type]


def both(cdn: Cdn, old: Mapping[str, Served] | None, new: Mapping[str, Served], most: int = 100) -> Targets:
    return decide(cdn, Side(old, "old") if old is not None else None, Side(new, "new"), most)


def short(found: Targets) -> list[str]:
    return [url.removeprefix(ORIGIN) for url in (*found.paths, *(f"{item}*" for item in found.prefixes))]


def test_nothing_where_nothing_differs() -> None:
    one = Side({"web": web(OLD)}, "same")
    assert not decide(Cdn("varnish", paths=("/",)), one, one, 100)


def test_without_rules_all_that_the_services_serve() -> None:
    found = both(Cdn("varnish"), {"web": web()}, {"web": web()})
    assert (found.everything, found.origins, found.text) == (True, (ORIGIN,), "everything")
    found = both(Cdn("varnish"), {"api": web(path="/api")}, {"api": web(path="/api")})
    assert short(found) == ["/api*"]


def test_a_first_release_may_follow_cached_errors() -> None:
    assert both(Cdn("varnish"), None, {"web": web()}).everything


def test_assets_are_compared_file_by_file() -> None:
    cdn = Cdn("varnish", assets={"web": "/assets"}, paths=("/", "/news/*"))
    found = both(cdn, {"web": web(OLD)}, {"web": web(NEW)})
    assert short(found) == [
        "/",
        "/assets/app.js",
        "/assets/gone.css",
        "/assets/new/",
        "/assets/new/index.html",
        "/news/*",
    ]
    assert short(both(cdn, {"web": web(NEW)}, {"web": web(OLD)})) == short(found), "a rollback purges the same"


@pytest.mark.parametrize(("old", "new", "most"), [(None, NEW, 100), (OLD, None, 100), (OLD, NEW, 2)])
def test_assets_that_can_not_be_compared_are_purged_as_a_folder(
    old: Mapping[str, str] | None, new: Mapping[str, str] | None, most: int
) -> None:
    cdn = Cdn("varnish", assets={"web": "/assets"}, paths=())
    assert short(both(cdn, {"web": web(old)}, {"web": web(new)}, most)) == ["/assets/*"]


def test_a_service_that_serves_only_its_assets_needs_no_rules() -> None:
    cdn = Cdn("varnish", assets={"web": "/"})
    found = both(cdn, {"web": web(OLD)}, {"web": web(NEW)})
    assert short(found) == ["/app.js", "/gone.css", "/new/", "/new/index.html"]
    moved = both(cdn, {"web": web(OLD)}, {"web": dataclasses.replace(web(OLD), origins=("https://other.example",))})
    assert moved.everything


def test_a_page_depends_on_every_service() -> None:
    """The frontend is the same: what it renders may come from the backend."""
    cdn = Cdn("varnish", assets={"web": "/assets"}, paths=("/",))
    services = {"web": web(OLD), "api": web(path="/api")}
    assert short(both(cdn, services, services)) == ["/"]


def test_a_route_that_moved_is_purged_at_both_places() -> None:
    found = both(Cdn("varnish"), {"api": web(path="/v1")}, {"api": web(path="/v2")})
    assert short(found) == ["/v1*", "/v2*"]


def test_names_that_can_not_be_listed() -> None:
    wild = web(OLD, wildcard=True)
    assert both(Cdn("varnish", paths=("/",)), {"web": wild}, {"web": wild}).everything


def test_paths_under_a_purged_prefix_are_not_named() -> None:
    found = both(Cdn("varnish", paths=("/a/*", "/a/b/*", "/a/b", "/c")), {"web": web()}, {"web": web()})
    assert short(found) == ["/c", "/a/*"]


def test_batches_are_as_large_as_the_provider_takes() -> None:
    targets = Targets(("1", "2", "3"), ("p",), ("t", "u"), origins=(ORIGIN,))
    assert batches(targets, EVERY) == [
        Batch(PREFIX, ("p",)), Batch(TAG, ("t",)), Batch(TAG, ("u",)), Batch(PATH, ("1", "2")), Batch(PATH, ("3",)),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [PATH, PREFIX, TAG])
def test_what_a_provider_can_not_purge_becomes_everything(kind: str) -> None:
    able = Capabilities({item: 10 for item in (PATH, PREFIX, TAG, ALL) if item != kind})
    targets = Targets(**{{PATH: "paths", PREFIX: "prefixes", TAG: "tags"}[kind]: ("x",)}, origins=(ORIGIN,))
    assert batches(targets, able) == [Batch(ALL, (ORIGIN,))]
    assert batches(Targets(("1", "2"), origins=(ORIGIN,)), Capabilities({PATH: 1, ALL: 1}, most=1)) == [
        Batch(ALL, (ORIGIN,))
    ]


@given(st.lists(st.integers(0, 30), unique=True), st.integers(1, 7))
def test_every_item_is_in_one_batch(numbers: list[int], size: int) -> None:
    paths = tuple(map(str, numbers))
    found = batches(Targets(paths), Capabilities({PATH: size}))
    assert tuple(item for batch in found for item in batch.items) == paths
    assert all(0 < len(batch.items) <= size for batch in found)


names = st.sampled_from(["a.js", "b/c.css", "d.html", "e/index.html"])
folders = st.dictionaries(names, st.sampled_from("12"))


@given(folders, folders)
def test_each_changed_file_is_purged_and_no_other(old: dict[str, str], new: dict[str, str]) -> None:
    cdn = Cdn("varnish", assets={"web": "/s"}, paths=())
    found = short(both(cdn, {"web": web(old)}, {"web": web(new)}))
    changed = {name for name in {**old, **new} if old.get(name) != new.get(name)}
    assert {url for url in found if url.removeprefix("/s/") in {**old, **new}} == {f"/s/{name}" for name in changed}


def test_what_a_person_names() -> None:
    one = Side({"web": web(), "api": web(path="/api")}, "x")
    assert short(requested(["/news", "/api/*"], [], one, everything=False)) == ["/news", "/api/*"]
    assert requested([], ["pages"], one, everything=False).tags == ("pages",)
    assert requested([], [], one, everything=True).everything
    assert not requested(["/elsewhere"], [], Side({"api": web(path="/api")}, "x"), everything=False)


def test_a_sample_is_spread() -> None:
    targets = Targets(tuple(map(str, range(100))), ("p",), origins=(ORIGIN,))
    assert sample(targets, 5) == ["p", "20", "41", "62", "83"]
    assert sample(Targets(everything=True, origins=(ORIGIN,)), 5) == [f"{ORIGIN}/"]
    assert sample(Targets(tags=("x",)), 5) == []


@pytest.mark.parametrize(
    ("cached", "origin", "stale"),
    [
        (Answered(200, 300.0, '"1"'), None, True),
        (Answered(200, 3.0, '"1"'), Answered(200, None, '"1"'), False),
        (Answered(200, 3.0, 'W/"1-gzip"'), Answered(200, None, '"1"'), False),
        (Answered(200, None, '"1"'), Answered(200, None, '"2"'), True),
        (Answered(200, None, ""), Answered(200, None, '"2"'), False),
        (Answered(401, None, '"1"'), Answered(200, None, '"2"'), False),
        (Answered(200, 0.0), None, False),
    ],
)
def test_an_old_copy(cached: Answered, origin: Answered | None, stale: bool) -> None:
    assert bool(is_stale(cached, origin, 5.0)) is stale


def test_a_side_of_a_release() -> None:
    place = dataclasses.replace(
        samples.STAGING, url="https://shop.example:8443", aliases=("www.shop.example", "*.shop.example"),
        domains={"backend": ("api.shop.example",)},
    )  # fmt: skip
    found = side(samples.release(), place, {}, {"frontend": OLD})
    assert found.services == {
        "frontend": Served("/", ("https://shop.example:8443", "https://www.shop.example:8443"), True, OLD),
        "backend": Served("/api", ("https://api.shop.example:8443",)),
    }
    assert served_by(found, "https://api.shop.example:8443/api/x") == "backend"
    assert served_by(found, "https://shop.example:8443/apix") == "frontend"
    assert served_by(found, "https://else.example/") is None


def test_only_what_visitors_see_counts() -> None:
    release = samples.release()
    more = dataclasses.replace(release.plan.services["backend"], replicas=4, stop=60.0)
    scaled = dataclasses.replace(
        release, plan=dataclasses.replace(release.plan, services={**release.plan.services, "backend": more})
    )
    place = samples.STAGING
    same = side(release, place, {"KEY": "1"}, {}).digest
    assert side(scaled, place, {"KEY": "1"}, {}).digest == same
    others = [
        side(release, place, {"KEY": "2"}, {}),
        side(samples.release(2), place, {"KEY": "1"}, {}),
        side(samples.release(schema="0002"), place, {"KEY": "1"}, {}),
        side(release, dataclasses.replace(place, environment={"X": "1"}), {"KEY": "1"}, {}),
    ]
    assert same not in {item.digest for item in others}
