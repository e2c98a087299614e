"""Every command that changes something, or shows a secret, is in the audit before it begins: found, not listed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from shipway import app, invoked
from shipway.actions.environment.locks import CARETAKER
from shipway.cli import COMMANDS, cli
from shipway.domain.audit import BEGAN, COMMAND, AuditFilter
from shipway.invoked import READER
from shipway.store import open_ledger

# These change nothing and show no secret, each with how its reader can see that. Any other command must write an entry.
READING = {
    "proof", "wait", "show", "status", "history", "apps", "logs", "ps", "open", "config", "render", "diff", "schedules show", "backups",
    "snapshots", "webhook list", "notify list", "poll list", "secret list", "user list", "token list", "audit show", "audit verify", "insights", "sbom", "signing list", "signing show", "tests", "preview list",  # opened as a reader
    "check", "completion",  # without a context
}  # fmt: skip
# These change files of the repository or a developer's own containers: nothing that the ledger is about.
OF_THE_FOLDER = {"init", "ci"}
# What it starts is recorded by itself: cron calls it every minute.
BY_ITSELF = {"tick"}
# Of arguments, only choices and formats matter: nothing is done.
VALUES = {
    "state": "on", "numbers": "web=2", "snapshot": "1", "number": "1", "listen": "127.0.0.1:0", "target": "staging",
    "digest": "a" * 64, "platform": "github", "name": "ada@example.org",
}  # fmt: skip
MORE = {
    "schedules run": ["staging", "job"], "host prepare": ["root@192.0.2.1", "--yes"], "host check": ["root@192.0.2.1"],
    "token create": ["CI", "--of", "ada@example.org", "--allow", "see"], "cancel": ["staging"], "infra": ["staging", "plan"],
    "poll add": ["shop", "--address", "https://x:secret@example.org/a.git"],
    "webhook add": ["shop", "--forge", "github", "--address", "https://x:secret@example.org/a.git"],
    "backup": ["staging"], "restore": ["staging", "1", "--yes"], "purge": ["staging", "--all"], "worker": ["--push=1", "--token=1"],
    "secret copy": ["staging", "--from=x", "A"], "waive": ["1", "--reason=x", "--env=staging"], "secret import": ["staging", "-"], "key import": [], "approve": ["staging"], "signing import": ["-"],
}  # fmt: skip


class Reached(Exception):
    """The command would do its work now."""


def leaves() -> Iterator[tuple[str, click.Command]]:
    """All commands; a group that does something itself too."""
    ctx = click.Context(cli)

    def of(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        if isinstance(command, click.Group):
            for sub in command.list_commands(ctx):
                found = command.get_command(ctx, sub)
                assert found is not None
                yield from of(f"{name} {sub}", found)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield name, command

    for name in COMMANDS:
        found = cli.get_command(ctx, name)
        assert found is not None
        yield from of(name, found)


def arguments(name: str, command: click.Command) -> list[str]:
    if name in MORE:
        return MORE[name]
    words: list[str] = []
    for item in command.params:
        if not item.required and not (isinstance(item, click.Argument) and item.name == "environment"):
            continue
        choice = item.type.choices[0] if isinstance(item.type, click.Choice) else None
        value = str(choice or VALUES.get(item.name or "", "staging"))
        words += [value] if isinstance(item, click.Argument) else [f"{item.opts[0]}={value}"]
    return words


KEY = f"swk1_{'a' * 42}A"
COMMAND_LINE = {
    name: command for name, command in leaves() if not name.startswith("dev ")
}  # their ledger is another one


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands stop as soon as they are recorded, or known to read only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIPWAY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SHIPWAY_LEDGER", raising=False)
    monkeypatch.setenv("SHIPWAY_ACTOR", "ada@example.org")
    real = app.recorded_command

    @contextmanager
    def stopping(ledger: Any, home: Path, actor: str, *proven: Any) -> Iterator[None]:
        with real(ledger, home, actor, *proven):
            raise Reached(actor)
        yield

    monkeypatch.setattr(app, "recorded_command", stopping)
    return tmp_path / "home"


@pytest.mark.parametrize("name", sorted(COMMAND_LINE))
def test_each_command_that_changes_something_is_recorded(name: str, home: Path) -> None:
    done = CliRunner().invoke(cli, [*name.split(), *arguments(name, COMMAND_LINE[name])], input=KEY)
    ledger = open_ledger(home / "ledger.db")
    found = ledger.audit(AuditFilter(kind=COMMAND, ends=False))
    ledger.close()
    if name in READING | OF_THE_FOLDER | BY_ITSELF:
        assert found == []
    else:
        assert isinstance(done.exception, Reached), (done.output, done.exception)
        assert [entry.what.partition(" ")[0] for entry in found] == [name.partition(" ")[0]]
        assert found[0].actor == ("server" if name in ("serve", "worker") else "ada@example.org")
        assert (found[0].proof, found[0].outcome) == ("claimed", BEGAN)
        assert "secret@" not in found[0].what


@pytest.mark.parametrize(
    "words",
    [
        ["notify", "add", "team", "--url=slack://canary/canary/canary"],
        ["user", "add", "PASSWORD=canary"],
        ["webhook", "add", "shop", "--forge=github", "--address=https://x:y@canary@example.org/a.git"],
    ],
)
def test_no_credential_of_a_command_is_recorded(words: list[str], home: Path) -> None:
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, Reached), (done.output, done.exception)
    ledger = open_ledger(home / "ledger.db")
    found = ledger.audit(AuditFilter(kind=COMMAND, ends=False))
    ledger.close()
    assert [" ".join(words[:2]) in entry.what for entry in found] == [True]
    assert "canary" not in found[0].what


def test_who_tidies_up_is_one_name() -> None:
    assert invoked.CARETAKER == CARETAKER


def test_what_only_shows_what_it_would_do_has_no_entry(home: Path) -> None:
    shown = [name for name, command in COMMAND_LINE.items() if any(item.name == "dry_run" for item in command.params)]
    assert len(shown) > 4
    for name in shown:
        CliRunner().invoke(cli, [*name.split(), *arguments(name, COMMAND_LINE[name]), "--dry-run"], input=KEY)
    ledger = open_ledger(home / "ledger.db")
    assert ledger.audit(AuditFilter(kind=COMMAND)) == []
    ledger.close()


@pytest.mark.parametrize("name", sorted((READING | OF_THE_FOLDER | BY_ITSELF) & set(COMMAND_LINE)))
def test_what_only_reads_says_so(name: str, home: Path) -> None:
    done = CliRunner().invoke(cli, [*name.split(), *arguments(name, COMMAND_LINE[name])])
    if isinstance(done.exception, Reached) and name not in BY_ITSELF:
        assert str(done.exception) == READER
