"""What the real squawk says of scripts, and what of that is kept. It needs no database."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.domain.errors import ProofError
from shipway.drivers.lint.squawk import Squawk
from tests.pairs import load_pairs

SCRIPT = """-- an index, and a name

CREATE INDEX people_name ON people (name);
ALTER TABLE people ADD CONSTRAINT people_town
  FOREIGN KEY (town) REFERENCES towns (id);
ALTER TABLE people DROP COLUMN note;
ALTER TABLE people ADD COLUMN age int;
"""


def lint(script: str, path: str = "db/002_people.up.sql") -> list[tuple[int, str]]:
    return list(Squawk().lint({path: script}, "15.4").get(path, ()))


def test_the_line_is_told() -> None:
    index, key = lint(SCRIPT)  # and nothing about the column that is dropped, or an int
    assert (index[0], key[0]) == (3, 4)
    assert index[1].startswith("During normal index creation")
    assert index[1].endswith("Use `concurrently` to avoid blocking writes. (require-concurrent-index-creation)")
    assert key[1].startswith("Adding a foreign key")
    assert key[1].endswith("(adding-foreign-key-constraint)")  # not said again as a constraint without NOT VALID


def test_each_file_has_its_own() -> None:
    found = Squawk().lint(
        {"a/1.sql": "SELECT 1;", "b/1.sql": "CREATE INDEX i ON t (c);", "c/1.sql": "ALTER TABLE t ALTER c TYPE text;"},
        "16",
    )
    assert list(found) == ["b/1.sql", "c/1.sql"]
    assert found["c/1.sql"][0][1].startswith("Changing a column type")


def test_what_postgresql_took_is_no_matter_of_syntax() -> None:
    assert lint("SELEC 1;\n") == []


def test_a_remark_in_the_script_silences_a_rule() -> None:
    assert lint("-- squawk-ignore require-concurrent-index-creation\nCREATE INDEX i ON t (c);") == []


def test_a_new_table_is_no_concern() -> None:
    assert lint("CREATE TABLE t (id bigint PRIMARY KEY, c text REFERENCES u);\nCREATE INDEX i ON t (c);") == []


def test_the_rules_that_are_left_out_say_something_of_nearly_every_script() -> None:
    """Why they are left out: with them three scripts of four have nothing but noise."""
    ups = {pair.name: pair.sections["up"] for pair in load_pairs()}
    found = Squawk().lint(ups, "15")
    assert 0.1 < len(found) / len(ups) < 0.5
    assert not any("(prefer-" in line or "timeout)" in line for lines in found.values() for _, line in lines)


def test_without_the_program_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProofError, match="isn't installed"):
        Squawk().lint({"a.sql": "SELECT 1"}, "15")


def test_a_program_that_fails_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 2\n")
    broken.chmod(0o755)
    with pytest.raises(ProofError, match="no such option"):
        Squawk(str(broken)).lint({"a.sql": "SELECT 1"}, "15")
