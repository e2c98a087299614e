"""What `shipway history` says of approvals: which of them somebody signed."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from shipway.cli import cli
from shipway.domain.release import SUCCEEDED, Approval, Deployment
from shipway.store import open_ledger
from tests.unit.domain import samples


def test_a_signed_approval_is_told_from_a_claimed_one(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db")
    made = ledger.add_release(samples.release())
    record = Deployment(0, made.app, "production", made.number, "deploy", "ada@example.org", "", 1.0)
    ledger.end_deployment(ledger.begin_deployment(record), SUCCEEDED, 2.0, None, "")
    for actor, signature in (("grace@example.org", ""), ("eve@example.org", ""), ("grace@example.org", "-----BEGIN SSH SIGNATURE-----")):
        approval = Approval(made.app, "production", made.number, made.digest, actor, "looked", 1.5, "ada@laptop", signature=signature)
        ledger.add_approval(approval)
    ledger.close()

    def history(*args: str) -> str:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), "history", "production", "--app", made.app, *args])
        assert done.exit_code == 0, done.output
        return done.output

    assert "grace@example.org (signed), eve@example.org (claimed)" in history()
    (found,) = json.loads(history("--json"))
    assert [(item["actor"], item["signed"], item["login"]) for item in found["approvals"]] == [
        ("grace@example.org", False, "ada@laptop"), ("eve@example.org", False, "ada@laptop"), ("grace@example.org", True, "ada@laptop"),
    ]  # fmt: skip
