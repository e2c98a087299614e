"""The commands by which others are told: what they print, and that no secret is in it or in the ledger's file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipway.cli import cli
from shipway.domain.errors import NotifyError, UsageError

TOKEN, URL = "token-of-the-forge", "slack://only-one-token"


def shipway(home: Path, *words: str, given: str = "") -> Result:
    return CliRunner().invoke(cli, ["--home", str(home), "--as", "ada@example.org", *words], input=given)


def test_a_token_of_a_webhook(tmp_path: Path) -> None:
    assert (
        shipway(
            tmp_path, "webhook", "add", "shop", "--forge", "gitea", "--address", "git@git.example.com:a/b.git"
        ).exit_code
        == 0
    )
    assert "no token: not told" in shipway(tmp_path, "webhook", "list").output
    done = shipway(tmp_path, "webhook", "token", "shop", given=f"{TOKEN}\n")
    assert done.exit_code == 0, done.output
    assert "at https://git.example.com/api/v1" in done.output
    shown = shipway(tmp_path, "webhook", "list").output + shipway(tmp_path, "webhook", "list", "--json").output
    assert "none yet" in shown
    assert TOKEN not in done.output + shown
    assert TOKEN.encode() not in (tmp_path / "ledger.db").read_bytes()
    assert "revoke it at the forge too" in shipway(tmp_path, "webhook", "token", "shop", "--remove").output
    assert shipway(tmp_path, "webhook", "token", "shop", given="").exit_code != 0


def test_a_notification_by_a_command(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    script = f"import sys; open({str(kept)!r}, 'a').write(sys.stdin.read())"
    words = ["--command", sys.executable, "--on", "failed", "--app", "shop", "--", "-c", script]
    done = shipway(tmp_path, "notify", "add", "ops", *words)
    assert done.exit_code == 0, done.output
    assert "ops is told of: failed" in done.output
    assert shipway(tmp_path, "notify", "test", "ops").exit_code == 0
    assert json.loads(kept.read_text())["event"] == "test"
    assert "shop" in shipway(tmp_path, "notify", "list").output
    assert shipway(tmp_path, "notify", "remove", "ops").exit_code == 0
    assert "there are no notifications" in shipway(tmp_path, "notify", "list").output


def test_a_notification_by_apprise(tmp_path: Path) -> None:
    done = shipway(tmp_path, "notify", "add", "team", "--url-from-stdin", given=f"{URL}\n")
    assert isinstance(done.exception, NotifyError)
    assert URL not in f"{done.output}{done.exception}"
    done = shipway(tmp_path, "notify", "add", "team", "--url", "json://me:the-password@chat.example.com/hook")
    assert done.exit_code == 0, done.output
    shown = (
        done.output + shipway(tmp_path, "notify", "list").output + shipway(tmp_path, "notify", "list", "--json").output
    )
    assert "the-password" not in shown
    assert b"the-password" not in (tmp_path / "ledger.db").read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        ["notify", "add", "x"], ["notify", "add", "x", "--url", URL, "loud"], ["notify", "test", "x"], ["notify", "remove", "x"],
        ["notify", "add", "x", "--command", "/nowhere/tell"], ["webhook", "token", "x"],
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, words: list[str]) -> None:
    done = shipway(tmp_path, *words, given="abc\n")
    assert isinstance(done.exception, UsageError | NotifyError), done.output
