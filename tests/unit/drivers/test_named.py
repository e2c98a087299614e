"""Which migrations up and down affect, for ordered names; and for Django, whose migrations are a graph."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database import django_state
from shipway.drivers.database.django_here import django_here
from shipway.drivers.database.named import History, reason
from shipway.drivers.scratch.sqlite import SqliteScratch


def line(*applied: str) -> History:
    return History(("a", "b", "c"), frozenset(applied))


def test_what_up_applies() -> None:
    assert line().to_apply(None) == ["a", "b", "c"]
    assert line("a").to_apply("b") == ["b"]
    assert line("a", "b").to_apply("a") == []
    with pytest.raises(MigrationFailed, match=r"can't migrate up to x.*schema is at a"):
        line("a").to_apply("x")


def test_what_down_reverts() -> None:
    assert line("a", "b", "c").to_revert("a") == ["c", "b"]
    assert line("a", "b").to_revert(None) == ["b", "a"]
    assert line("a").to_revert("a") == []
    with pytest.raises(MigrationFailed, match=r"can't migrate down to b: it isn't applied; the schema is at a"):
        line("a").to_revert("b")


def test_a_migration_that_came_too_late() -> None:
    with pytest.raises(MigrationFailed, match="older than the current revision c, but not applied: b"):
        line("a", "c").pending()


def test_the_reason_of_a_failure_is_not_its_stack() -> None:
    assert reason(["Error: no", "    at Migrator.js:1", "", "  why "]) == "Error: no\n  why"
    assert reason([""]) == "it printed nothing"


def printed(*applied: str, rows: object = (), **parents: str) -> str:
    """`app_1="app_0 other_1"`."""
    migrations = [
        {
            "name": name.replace("_", "."),
            "parents": [item.replace("_", ".") for item in names.split()],
            "one_way": False,
            "installed": name.startswith(("auth", "log")),
        }
        for name, names in parents.items()
    ]
    own = {"history": ["django_migrations"], "kept": ['"people"."permissions"', "django_site"]}
    answer = {"conflicts": {}, "migrations": migrations, "applied": applied, "rows": rows, **own}
    return f"hello\nshipway-django: {json.dumps(answer)}\n"


def state(*applied: str, rows: object = (), **parents: str) -> django_state.State:
    found = django_state.read(printed(*applied, rows=rows, **parents))
    assert found is not None
    return found


def test_a_revision_is_what_nothing_builds_on() -> None:
    apps = state("auth.1", "shop.1", "shop.2", "log.1", auth_1="", shop_1="auth_1", shop_2="shop_1", log_1="")
    assert apps.revision(apps.applied) == "log.1+shop.2"
    assert apps.resolve("log.1+shop.2") == apps.applied
    assert apps.resolve("log.1+shop.3") is None
    assert apps.revision(set()) is None


def test_what_down_reverts_in_several_apps() -> None:
    apps = state(
        "auth.1", "auth.2", "shop.1", "shop.2", auth_1="", auth_2="auth_1", shop_1="auth_1", shop_2="shop_1 auth_2"
    )
    assert apps.migrate_targets({"auth.1", "shop.1"}) == [("shop", "1"), ("auth", "1")]
    assert apps.reverted([("shop", "1"), ("auth", "1")]) == {"shop.2", "auth.2"}
    assert apps.migrate_targets({"auth.1"}) == [("shop", "zero"), ("auth", "1")]
    assert apps.reverted([("auth", "zero")]) == {"auth.1", "auth.2", "shop.1", "shop.2"}


def test_applied_migrations_that_the_image_lacks() -> None:
    rows = [["old.1", False], ["shop.1", True], ["new.1", False], ["shop.9", False]]
    assert state("shop.1", rows=rows, shop_1="").unknown == ("new.1", "shop.9")
    assert state("shop.1", rows=rows[:2], shop_1="").unknown == ()


def test_the_tables_that_django_fills() -> None:
    own = state(auth_1="").own
    assert (own.history, own.kept) == ({"django_migrations"}, {"permissions", "django_site"})


def test_a_folder_tests_installed_packages_together_and_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as they depend on nothing else. A stand-in for Python prints what Django would."""
    text = printed("auth.1", shop_1="", shop_2="shop_1 auth_2", auth_1="", auth_2="auth_1", log_1="shop_1")
    (tmp_path / "python").write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    tool = django_here(tmp_path, SqliteScratch(tmp_path / "scratch").create(), 60.0)
    assert tool.pending() == ["auth.2", "shop.1", "log.1", "shop.2"]
    with pytest.raises(MigrationFailed, match=r"can't migrate down to shop\.1: it is not applied"):
        tool.down("shop.1", print)
    with pytest.raises(MigrationFailed, match=r"can't migrate down to shop\.3: the image lacks it"):
        tool.down("shop.3", print)


@pytest.mark.parametrize(
    "frames",
    [
        ["    at Client.query (/app/node_modules/pg/lib/client.js:526:17)"] * 9,
        ["\tfrom /usr/lib/ruby/gems/pg.rb:12:in `initialize'", "\tfrom bin/rails:3:in `<main>'"] * 5,
        ["#0 /app/vendor/laravel/framework/src/Connection.php(712): PDO->query()", "#1 {main}"] * 5,
    ],
    ids=["Node", "Ruby", "PHP"],
)
def test_the_reason_is_not_lost_among_the_frames(frames: list[str]) -> None:
    assert reason(["connecting", "connection refused", *frames]) == "connecting\nconnection refused"
