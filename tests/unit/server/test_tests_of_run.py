"""The tests on the page of a run, from the API and on the command line: failures first, and text of strangers is only text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.permissions import DEVELOPER
from shipway.domain.release import Trigger
from shipway.domain.single_test import FAILED, PASSED, SKIPPED, SingleTest
from tests.unit.server.site import EVIL, Place, place

__all__ = ["place"]
BAD = SingleTest("test_price", "tests.Units", "tests/units.py", FAILED, 0.5, f"1 != 2 {EVIL}", "the trace\nof it")


def made(place: Place) -> int:
    """A run of which a test failed, one is flaky, and others did not."""
    place.world.release(1)
    ledger = place.ctx.ledger
    run = ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/x", "ada"), place.world.now)
    flaky = replace(BAD, name=f"test_flaky {EVIL}")
    ledger.add_tests(run, "unit", 0, [flaky, BAD])
    good = [replace(BAD, name=f"test_{number:03}", outcome=PASSED, seconds=number) for number in range(150)]
    later = replace(BAD, name="test_later", outcome=SKIPPED, message="not now")
    ledger.add_tests(run, "unit", 1, [BAD, replace(flaky, outcome=PASSED), *good, later])
    return run


def test_the_page_of_a_run_lists_failures_first(place: Place) -> None:
    run = made(place)
    found = place.page(f"/apps/shop/runs/{run}", place.person("d@example.org", DEVELOPER))
    assert found.status == 200
    assert "1 failed · 1 flaky · 150 passed · 1 skipped" in found.text
    order = [found.text.index(text) for text in ("test_price", "test_flaky", "test_149", "test_148")]
    assert order == sorted(order)
    for seen in ("the trace", "2 attempts", "tests/units.py", "&lt;script&gt;", "And 51 more"):
        assert seen in found.text, seen
    assert EVIL not in found.text
    assert "test_000" not in found.text
    every = place.page(f"/apps/shop/runs/{run}?tests=all", place.person("e@example.org", DEVELOPER)).text
    assert "test_000" in every
    assert "skipped: not now" in every
    assert "more:" not in every


def test_a_run_without_reports_has_no_list(place: Place) -> None:
    place.world.release(1)
    run = place.ctx.ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/x", "ada"), 1.0)
    assert 'id="tests"' not in place.page(f"/apps/shop/runs/{run}", place.person("d@example.org", DEVELOPER)).text


def test_the_command_lists_the_newest_run(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield place.world.controller()

    monkeypatch.setattr("shipway.app.open_context", opened)

    def call(*words: str) -> str:
        return CliRunner().invoke(cli, ["--home", str(tmp_path), "tests", "--app", "shop", *words]).output

    place.world.release(1)
    run = place.ctx.ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/x", "ada"), 1.0)
    assert "none is known" in call()
    run = made(place)
    text = call()
    assert f"run {run}: aaaaaaaaaaaa" in text
    assert text.index("test_price") < text.index("test_flaky") < text.index("test_149")
    assert "    the trace\n    of it\n" in text
    assert "and 131 more" in text
    found = json.loads(call(str(run), "--json"))
    assert [item["outcome"] for item in found[:2]] == ["failed", "flaky"]
    assert len(found) == 153
    with pytest.raises(UsageError, match="has no run 99"):
        CliRunner().invoke(cli, ["--home", str(tmp_path), "tests", "--app", "shop", "99"], catch_exceptions=False)
