"""`shipway user` and `shipway token`."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipway.actions.people.identify import identify
from shipway.actions.people.sign_in import sign_in, sign_in_by_link
from shipway.app import open_context
from shipway.cli import cli
from shipway.cli.output import TerminalReporter
from shipway.cli.serve import serve
from shipway.domain.errors import NotSignedIn, ShipwayError, UsageError
from shipway.domain.release import Trigger
from shipway.system import passwords
from tests.unit.actions.people.team import ADA, EVE, HERE, PASSWORD, cheap


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    made = cheap()
    monkeypatch.setattr(passwords, "Passwords", lambda: made)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SHIPWAY_URL", raising=False)
    monkeypatch.setenv("SHIPWAY_ACTOR", "operator@example.org")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(home: Path, words: str, *more: str, given: str | bytes = "") -> Result:
    """A command that succeeds. ShipwayError where it doesn't."""
    done = CliRunner().invoke(cli, ["--home", str(home), *words.split(), *more], input=given)
    if isinstance(done.exception, ShipwayError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


def test_the_first_admin_is_made_on_the_command_line(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "user add ada@example.org --role admin" in run(home, "user list").stdout
    assert run(home, f"user add {ADA} --role admin").stdout == "ada@example.org was added as admin\n"
    run(home, f"user login-link {ADA} --url https://deploy.example.org/")
    link = capfd.readouterr().out.strip()
    assert link.startswith("https://deploy.example.org/sign-in?link=swl_")
    with open_context(home, TerminalReporter(silent=True)) as ctx:
        session = sign_in_by_link(ctx, link.partition("=")[2], HERE)
        assert identify(ctx, session.secret).may("people")


def test_the_address_of_a_link_is_that_of_the_server(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(home, f"user add {ADA}")
    run(home, f"user login-link {ADA}")
    listen = next(item for item in serve.params if "--listen" in item.opts)
    assert capfd.readouterr().out.startswith(f"http://{listen.default}/sign-in?link=swl_")
    run(home, f"user login-link {ADA} --url https://other.example.org/")
    assert capfd.readouterr().out.startswith("https://other.example.org/sign-in?link=")


def test_people_get_and_lose_roles(home: Path) -> None:
    run(home, f"user add {ADA}")
    done = run(home, f"user grant {ADA} developer --app shop --environment staging")
    assert done.stdout == "ada@example.org is developer for shop/staging now\n"
    assert "the ledger has no app shop yet" in done.stderr
    run(home, f"user grant {ADA} viewer")
    listed = run(home, "user list").stdout
    assert "viewer for everything; developer for shop/staging  no password yet" in listed
    run(home, f"user revoke {ADA}")
    found = json.loads(run(home, "user list --json").stdout)
    assert [each["role"] for each in found[0]["grants"]] == ["developer"]
    run(home, f"user remove {ADA}")
    assert ADA not in run(home, "user list").stdout.replace(f"add {ADA}", "")
    assert [item["active"] for item in json.loads(run(home, "user list --json").stdout)] == [False]


def test_nobody_is_added_if_the_place_is_none(home: Path) -> None:
    with pytest.raises(UsageError, match=r"'\.\./x' is not the name of an app"):
        run(home, f"user add {ADA} --role admin --app ../x")
    assert json.loads(run(home, "user list --json").stdout) == []


@pytest.mark.parametrize("given", [PASSWORD, f"{PASSWORD}\n", f"{PASSWORD}\r\n"])
def test_a_password_comes_from_stdin(home: Path, given: str) -> None:
    run(home, f"user add {ADA}")
    assert PASSWORD not in run(home, f"user password {ADA}", given=given).output
    with open_context(home, TerminalReporter(silent=True)) as ctx:
        sign_in(ctx, cheap(), ADA, PASSWORD, "", HERE)
        with pytest.raises(NotSignedIn):
            sign_in(ctx, cheap(), ADA, f"{PASSWORD}\n", "", HERE)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "0 characters"), (b"short\n", "5 characters"), (ADA.encode(), "the person's name"), (b"x" * 9999, "more than 1024"),
        (b"\xff" * 20, "not valid UTF-8"),
    ],
)  # fmt: skip
def test_what_can_be_no_password_is_refused(home: Path, given: bytes, why: str) -> None:
    run(home, f"user add {ADA}")
    with pytest.raises(UsageError, match=why):
        run(home, f"user password {ADA}", given=given)
    assert not json.loads(run(home, "user list --json").stdout)[0]["password"]


def test_a_password_is_no_argument(home: Path) -> None:
    run(home, f"user add {ADA}")
    done = CliRunner().invoke(cli, ["--home", str(home), "user", "password", ADA, PASSWORD])
    assert done.exit_code == 2
    help_ = CliRunner().invoke(cli, ["user", "password", "--help"]).output
    assert "--password" not in help_


def test_a_password_is_typed_twice_and_not_shown(home: Path) -> None:
    """On a real terminal."""
    run(home, f"user add {ADA}")
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "shipway", "--home", str(home), "user", "password", ADA]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True) as process:
        os.close(terminal)
        shown = b""
        for question in (b"password for", b"Repeat for confirmation"):
            while question not in shown or not shown.rstrip().endswith(b":"):
                shown += os.read(controller, 4096)
            os.write(controller, f"{PASSWORD}\n".encode())
        try:
            while part := os.read(controller, 4096):
                shown += part
        except OSError:  # the end of a terminal
            pass
    os.close(controller)
    assert process.returncode == 0, shown
    assert b"is set; their sessions have ended" in shown
    assert PASSWORD.encode() not in shown


def test_a_token_is_shown_once(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(home, f"user add {ADA} --role admin")
    done = run(home, f"token create --of {ADA} --allow see --allow deploy --app shop --days 7", "from CI")
    secret = capfd.readouterr().out.strip()
    assert secret.startswith("swt_")
    assert secret not in done.output
    with open_context(home, TerminalReporter(silent=True)) as ctx:
        assert identify(ctx, secret).may("deploy", "shop", "staging")
    for words in ("token list", "token list --json", "user list --json"):
        assert "swt_" not in run(home, words).output
    assert "see deploy  all of shop  until " in run(home, "token list").stdout
    assert "of ada@example.org, for from CI, is revoked" in run(home, "token revoke 1").stdout
    assert "revoked" in run(home, "token list").stdout
    with open_context(home, TerminalReporter(silent=True)) as ctx, pytest.raises(NotSignedIn):
        identify(ctx, secret)


@pytest.mark.parametrize("words", ["--allow everything", "", "--allow see --days x"])
def test_a_token_without_a_known_permission_is_refused(home: Path, words: str) -> None:
    run(home, f"user add {ADA}")
    done = CliRunner().invoke(cli, ["--home", str(home), *f"token create CI --of {ADA} {words}".split()])
    assert done.exit_code == 2
    assert json.loads(run(home, "token list --json").stdout) == []


def test_what_was_changed_is_in_the_history_of_each_app_that_it_is_about(home: Path) -> None:
    with open_context(home, TerminalReporter(silent=True)) as ctx:
        for app in ("shop", "blog"):
            ctx.ledger.begin_run(app, "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), 1.0)
    run(home, f"user add {EVE}")
    run(home, f"user grant {EVE} releaser --app shop --environment production")
    done = run(home, "history --commands --app shop").stdout
    assert "production   grant  eve@example.org           0" in done
    assert "operator@example.org (" in done
    assert "grant releaser" in done
    other = run(home, "history --commands --app blog").stdout
    assert "grant releaser" not in other
    assert "user  eve@example.org" in other
    found = json.loads(run(home, "history --commands --app shop --json").stdout)
    assert [(item["app"], item["environment"], item["kind"], item["detail"]) for item in found] == [
        ("shop", "production", "grant", "grant releaser"), ("*", "*", "user", "add"),
    ]  # fmt: skip


def test_without_the_library_the_message_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "argon2", None)
    monkeypatch.delenv("SHIPWAY_HOME", raising=False)
    run(home, f"user add {ADA}")
    with pytest.raises(UsageError, match="argon2-cffi, which is not installed") as told:
        run(home, f"user password {ADA}", given=PASSWORD)
    assert "server" in told.value.hint
