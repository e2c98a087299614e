"""A plan with problems: each is named with its place, and nothing is begun."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from shipway.domain.errors import PlanError
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine

PLAN = """\
app: APP
services:
  web:
    build: web
    port: 8000
    route: /
    health: /healthz
  other: {image: "caddy:2", port: 80, health: {tcp: true}}
pipeline:
  one: {image: "caddy:2", run: "true"}
  two: {image: "caddy:2", run: "true", needs: [one]}
environments:
  staging: {on: {branch: staging}, url: "http://staging.APP.localhost:8080"}
"""


@dataclass(frozen=True)
class Row:
    """Replace `old` in the good plan by `new`; then the output has a problem at `place` with these `words`."""

    name: str
    old: str
    new: str
    place: str
    words: tuple[str, ...]


ROWS = [
    Row("a YAML error", "    port: 8000\n", "    port: 8000\n   bad: [1\n", "shipway.yaml:6:", ("error",)),
    Row("an unknown key", "    health: /healthz\n", "    helth: /healthz\n", "shipway.yaml:7:5", ("helth", "health")),
    Row("a cycle", 'one: {image: "caddy:2", run: "true"}', 'one: {image: "caddy:2", run: "true", needs: [two]}',
        "shipway.yaml:10:", ("one → two → one", "depend on each other")),
    Row("a missing Dockerfile", "build: web", "build: .", "shipway.yaml:4:", ("services.web.build", "Dockerfile")),
    Row("a missing folder", "build: web", "build: wep", "shipway.yaml:4:", ("there is no folder `wep`",)),
    Row("no health check behind a route", "    health: /healthz\n", "", "shipway.yaml:6:", ("services.web", "route", "health")),
    Row("two services on one route", 'port: 80, health: {tcp: true}', 'port: 80, health: {tcp: true}, route: /',
        "shipway.yaml:8:", ("other", "web", "route", "/")),
]  # fmt: skip


@pytest.fixture(scope="module")
def first(bare: Tiny) -> str:
    bare.write({"shipway.yaml": PLAN.replace("APP", bare.app)})
    bare.git("commit", "--quiet", "--all", "--message", "A good plan")
    return bare.git("rev-parse", "HEAD").output.strip()


def test_the_plan_is_good_before_it_is_spoilt(bare: Tiny, first: str) -> None:
    assert bare.shipway("check").code == 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_bad_plan_is_refused_with_its_place(bare: Tiny, first: str, row: Row) -> None:
    before = bare.footprint()
    good = PLAN.replace("APP", bare.app)
    assert row.old in good
    bare.write({"shipway.yaml": good.replace(row.old, row.new)})
    bare.git("commit", "--quiet", "--all", "--message", row.name)
    told = [bare.shipway("check", check=False), bare.shipway("run", "staging", check=False)]
    bare.git("reset", "--quiet", "--hard", first)
    for done in told:
        assert done.code == PlanError.exit_code, done.output
        assert row.place in done.output, done.output
        assert not [word for word in row.words if word not in done.output], done.output
        assert "Traceback" not in done.output
    assert bare.footprint() == before
    assert not bare.containers()


def test_all_problems_are_told_together(bare: Tiny, first: str) -> None:
    text = PLAN.replace("APP", bare.app).replace("/healthz", "healthz").replace("needs: [one]", "needs: [on]")
    bare.write({"shipway.yaml": text.replace("build: web", "biuld: web")})
    done = bare.shipway("check", check=False)
    bare.git("reset", "--quiet", "--hard", first)
    assert done.code == PlanError.exit_code
    assert [place for place in (":4:", ":7:", ":11:") if f"shipway.yaml{place}" not in done.output] == [], done.output
