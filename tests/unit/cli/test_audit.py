"""`shipway audit` and `shipway insights`."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shipway.cli import cli
from shipway.domain.errors import AuditBroken, UsageError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHIPWAY_LEDGER", raising=False)
    monkeypatch.setenv("SHIPWAY_ACTOR", "root@example.org")
    run(tmp_path, "--as", "eve@example.org", "user", "grant", "nobody@example.org", "admin")
    run(tmp_path, "user", "add", "ada@example.org", "--role", "admin")
    return tmp_path


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home / "home"), *words])


def entries(home: Path, *words: str) -> Any:
    return json.loads(run(home, "audit", "--json", *words).output)


def tampered(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "home" / "ledger.db") as database:
        for verb in ("update", "delete"):
            database.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}")
        database.execute(statement)


def test_it_lists_what_was_done_and_how_it_ended(home: Path) -> None:
    output = run(home, "audit").output
    for seen in (
        "user add ada@example.org --role=admin",
        "succeeded",
        "failed",
        "eve@example.org",
        "claimed",
        "the ledger was created",
    ):
        assert seen in output, seen
    assert "ended" not in output  # it is beside what it ends


def test_filters_and_exports(home: Path) -> None:
    assert {item["actor"] for item in entries(home, "--actor", "Eve@example.org")} == {"eve@example.org"}
    [granted] = entries(home, "--kind", "grant")
    assert granted["what"] == "gave ada@example.org the role admin for everything"
    assert entries(home, "--since", "2100-01-01") == []
    assert len(entries(home, "--limit", "2")) == 2
    assert entries(home, "--until", "2000-01-01") == []
    rows = list(csv.DictReader(io.StringIO(run(home, "audit", "--csv").output)))
    assert [int(row["number"]) for row in rows] == [item["number"] for item in entries(home)]
    assert isinstance(run(home, "audit", "--csv", "--json").exception, UsageError)
    assert "nothing like that" in run(home, "audit", "--app", "nosuch").output


def test_reading_it_writes_nothing(home: Path) -> None:
    before = entries(home)
    run(home, "audit")
    run(home, "audit", "verify")
    assert entries(home) == before


def test_a_whole_chain_is_said_with_its_head(home: Path) -> None:
    found = json.loads(run(home, "audit", "verify", "--json").output)
    assert (found["problems"], found["entries"]) == ([], len(entries(home)))
    assert found["head"] == entries(home)[0]["digest"]
    assert f"head: {found['head']}" in run(home, "audit", "verify", "--head", found["head"].upper()).output


def test_a_changed_one_has_an_exit_code_of_its_own(home: Path) -> None:
    tampered(home, "UPDATE audit SET actor = 'ada@example.org' WHERE number = 3")
    done = run(home, "audit", "verify")
    assert isinstance(done.exception, AuditBroken)
    assert done.exception.exit_code == 44
    assert "entry 3 was changed" in done.exception.message


def test_a_removed_end_is_found_by_a_noted_head(home: Path) -> None:
    head = entries(home)[0]["digest"]
    tampered(home, "DELETE FROM audit WHERE number > 3")
    assert run(home, "audit", "verify").exception is None
    assert isinstance(run(home, "audit", "verify", "--head", head).exception, AuditBroken)


def test_a_request_that_is_only_claimed_is_no_proof(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in ("2", "99", "x", "-1", "9" * 30):
        monkeypatch.setenv("SHIPWAY_REQUEST", number)
        run(home, "user", "grant", "ada@example.org", "viewer")
        assert {item["proof"] for item in entries(home, "--kind", "grant")} == {"claimed"}


def test_insights_of_an_unknown_app(home: Path) -> None:
    assert run(home, "insights", "nosuch").exit_code != 0
