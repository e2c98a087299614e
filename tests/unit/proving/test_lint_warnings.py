"""What the real squawk says of statements that a server logged. It needs no database."""

from __future__ import annotations

from pathlib import Path

from shipway.drivers.lint.squawk import Squawk
from shipway.proving.lint_warnings import lint_warnings

RAN = (
    "-- a table that is there\nALTER TABLE people ADD COLUMN age int, -- in years\n  ADD COLUMN born date -- or not;",
    "CREATE INDEX people_age ON people (age);",
    "CREATE TABLE towns (name text); CREATE INDEX towns_name ON towns (name)",
)


def test_each_remark_names_its_statement() -> None:
    (found,) = lint_warnings(Squawk(), RAN)
    assert found.startswith("CREATE INDEX people_age ON people (age);: During normal index creation")


def test_nothing_ran() -> None:
    assert lint_warnings(Squawk(), []) == ()


def test_a_linter_that_fails_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 2\n")
    broken.chmod(0o755)
    assert lint_warnings(Squawk(str(broken)), ["DROP TABLE towns"]) == (
        "squawk failed: no such option: the scripts were not linted",
    )
