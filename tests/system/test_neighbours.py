"""Two apps and two environments on one engine never touch one another."""

from __future__ import annotations

import pytest

from examples.project import GRACE
from shipway.domain.errors import UsageError
from tests.system.conftest import Make
from tests.system.tiny import NOT_THERE, Tiny, visitors

pytestmark = pytest.mark.engine


def test_destroying_one_leaves_the_others(make: Make) -> None:
    one, other = make(database=True), make(database=True)
    for project in (one, other):
        project.change(f"site of {project.app}")
        project.shipway("run", "staging")
        project.psql(f"INSERT INTO pets VALUES ('{project.app}')")
    one.shipway("--as", GRACE, "approve", "production")
    one.promote("v1")
    one.shipway("run", "v1")
    assert one.psql("SELECT count(*) FROM pets", "production") == "0"  # its own database
    theirs, own = other.footprint(), one.containers(environment="production")

    with visitors(other) as answers, visitors(one, "production") as more:
        one.shipway("destroy", "staging", "--force")
    assert one.containers(environment="staging") == {}
    assert one.volumes() == [f"{one.app}_production_db"]
    assert one.answer().startswith(NOT_THERE)
    assert one.containers(environment="production") == own
    assert other.footprint() == theirs
    assert other.psql("SELECT name FROM pets") == other.app
    assert set(answers) == {f"site of {other.app}"}
    assert set(more) == {f"site of {one.app}"}

    one.shipway("destroy", "production", "--force")
    assert one.containers() == {}
    assert one.volumes() == []
    assert one.networks() == []
    assert other.footprint() == theirs


def test_destroy_asks_for_force(served: Tiny) -> None:
    before = served.footprint()
    done = served.shipway("destroy", "staging", check=False)
    assert done.code == UsageError.exit_code, done.output
    assert "with all its data" in done.output
    assert "--force" in done.output
    assert served.footprint() == before
