"""Which steps of a pipeline may start, and which are blocked."""

from __future__ import annotations

from shipway.domain import graph

NEEDS = {
    "lint": (),
    "unit": (),
    "it": ("unit",),
    "assets": (),
    "images": ("lint", "it", "assets"),
    "proof": ("images",),
}


def test_what_may_start() -> None:
    assert graph.runnable(NEEDS, (), ()) == ["lint", "unit", "assets"]
    assert graph.runnable(NEEDS, ("unit",), ("unit", "lint", "assets")) == ["it"]
    assert graph.runnable(NEEDS, ("lint", "unit", "assets", "it"), ("lint", "unit", "assets", "it")) == ["images"]


def test_a_failing_step_stops_what_needs_it_and_nothing_else() -> None:
    assert graph.blocked(NEEDS, {"unit"}) == {"it": "unit", "images": "unit", "proof": "unit"}
    assert graph.blocked(NEEDS, set()) == {}
    assert graph.upstream(NEEDS, "proof") == ["lint", "unit", "it", "assets", "images"]
