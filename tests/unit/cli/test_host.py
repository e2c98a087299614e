"""`shipway host` on hosts in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import DriftFound, EngineError, UsageError
from shipway.domain.host_setup import HostChoices
from shipway.testing.memory_host_setup import BARE, MemoryHost, MemoryHostSetup
from tests.unit.actions.provisioning.place import PLAN, Place, by_ssh
from tests.unit.world import World

NAME = "ssh://deploy@web1"
Command = Callable[..., Result]


class Terminal:
    """A host, and the commands of a person who reaches it."""

    def __init__(self, folder: Path) -> None:
        self.host, self.known = MemoryHost(), list[str]()
        self.logins: list[str] = []
        self.passwords: list[str] = []
        self._world, self._folder = World(folder), folder

    def context(self) -> Context:
        ctx = self._world.controller()
        return replace(ctx, host_setup=self._open, connect=lambda name: ctx.machine)

    def __call__(self, *args: str, text: str = "") -> Result:
        return CliRunner().invoke(cli, ["--home", str(self._folder), "host", *args], input=text)

    def _open(self, name: str, login: str, password: str) -> MemoryHostSetup:
        self.logins.append(f"{login} {name}")
        self.passwords.append(password)
        return MemoryHostSetup(self.host, self.known)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal(tmp_path)

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield made.context()

    monkeypatch.setattr("shipway.app.open_context", opened)
    return made


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone sits at the terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)


def failed(result: Result, kind: type[Exception], *texts: str) -> None:
    assert isinstance(result.exception, kind), result.output
    error: Any = result.exception
    assert all(text in f"{error.message}\n{error.hint}" for text in texts), (error.message, error.hint)


@pytest.mark.usefixtures("person")
def test_a_person_is_asked_about_the_key_and_the_changes(terminal: Terminal) -> None:
    done = terminal("prepare", NAME, text="y\ny\n")
    assert done.exit_code == 0, done.output
    assert f"{NAME} is unknown here. Its ED25519 key is SHA256:first" in done.output
    assert "proceed?" in done.output
    assert done.output.rstrip().endswith(f"✓ {NAME} is prepared")
    assert terminal.known == ["SHA256:first"]
    again = terminal("prepare", NAME)
    assert again.output == f"✓ {NAME} is prepared\n"


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("text", ["n\n", "y\nn\n"])
def test_a_person_says_no(terminal: Terminal, text: str) -> None:
    terminal("prepare", NAME, text=text)
    assert terminal.host.state == BARE
    assert terminal.known == (["SHA256:first"] if text.startswith("y") else [])


def test_a_script_passes_the_fingerprint(terminal: Terminal) -> None:
    failed(terminal("prepare", NAME, "--yes"), EngineError, "SHA256:first", "--accept-key")
    failed(terminal("prepare", NAME, "--yes", "--accept-key", "SHA256:other"), EngineError, "is not trusted")
    assert terminal.host.state == BARE
    failed(terminal("prepare", NAME, "--accept-key", "SHA256:first"), UsageError, "nothing was changed", "--yes")
    assert terminal("prepare", NAME, "--yes", "--login", "admin").exit_code == 0
    assert terminal.logins[-1] == f"admin {NAME}"
    # A fingerprint that isn't the known one is not ignored.
    failed(terminal("check", NAME, "--accept-key", "SHA256:other"), EngineError, "is not trusted")


def test_dry_run_changes_nothing(terminal: Terminal) -> None:
    done = terminal("prepare", NAME, "--dry-run", "--accept-key", "SHA256:first", "--port", "8080", "--without", "swap")
    assert done.exit_code == 0
    assert "except 22/tcp, 8080/tcp" in done.output
    assert "swap" not in done.output
    assert terminal.host.state == BARE


def test_check_reports_drift_and_takes_what_was_recorded(terminal: Terminal) -> None:
    options = ("--port", "9/udp", "--trust", "10.0.0.0/8", "--swap", "512m", "--without", "ssh", "--without", "disk")
    assert terminal("prepare", NAME, "--yes", "--accept-key", "SHA256:first", *options).exit_code == 0
    recorded = terminal.host.state.recorded
    assert recorded == HostChoices(("9/udp",), ("10.0.0.0/8",), (), 512 * 10**6, ("ssh", "disk"))
    assert terminal("check", NAME).output == f"✓ {NAME} is prepared\n"
    terminal.host.state = replace(terminal.host.state, upgrades=False)
    found = terminal("check", NAME, "--json")
    failed(found, DriftFound, "1 difference found", "shipway host prepare")
    (host,) = json.loads(found.output)
    assert (host["host"], [item["part"] for item in host["changes"]], host["problems"]) == (NAME, ["upgrades"], [])


def test_a_problem_is_drift_too(terminal: Terminal) -> None:
    terminal("prepare", NAME, "--yes", "--accept-key", "SHA256:first")
    terminal.host.state = replace(terminal.host.state, disk_free=10**9)
    failed(terminal("check", NAME), DriftFound, "1 difference found")
    done = terminal("prepare", NAME)
    assert done.exit_code == 0
    assert "1.0 GB are free" in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "http"], "--port http/tcp: not a port"),
        (["--trust", "10.0.0.1/8"], "--trust 10.0.0.1/8: not a network"),
        (["--swap", "lots"], "--swap lots: not a size"),
        (["--without", "record"], "--without record: there is no such part"),
        (["--key", "/dev/null"], "--key /dev/null is not a public key"),
        (["--key", "/nowhere"], "--key /nowhere can't be read"),
    ],
)
def test_options_that_make_no_sense(terminal: Terminal, options: list[str], message: str) -> None:
    failed(terminal("check", NAME, *options), UsageError, message)
    assert not terminal.logins


def test_a_private_key_is_never_taken_for_a_public_one(terminal: Terminal, tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n")
    failed(terminal("check", NAME, "--key", str(key)), UsageError, "is not a public key", ".pub")


def test_the_password_of_sudo_is_asked_for_and_never_shown(terminal: Terminal) -> None:
    options = ("--dry-run", "--accept-key", "SHA256:first", "--login", "admin")
    done = terminal("prepare", NAME, "--ask-password", *options, text="correct-horse\n")
    assert done.exit_code == 0, done.output
    assert terminal.passwords == ["correct-horse"]
    assert "correct-horse" not in done.output


def test_the_hosts_of_an_environment_are_those_of_the_protected_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_ssh(tmp_path, monkeypatch)
    plan = PLAN.split("    infra:")[0] + "    hosts: [{host: ssh://deploy@web1, address: 10.0.0.1}]\n"
    place = Place(tmp_path, plan)
    other = plan.replace("ssh://deploy@web1, address: 10.0.0.1", "ssh://deploy@evil, address: 203.0.113.66")
    place.push({"shipway.yaml": other}, branch="feature")
    host, logins = MemoryHost(), list[str]()

    def opened_host(name: str, login: str, password: str) -> MemoryHostSetup:
        logins.append(name)
        return MemoryHostSetup(host, [])

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield replace(place.context(), host_setup=opened_host)

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.cli.Globals.known_app", lambda options, ctx, app=None: place.known(ctx))
    done = CliRunner().invoke(
        cli, ["--home", str(tmp_path), "host", "prepare", "production", "--dry-run", "--accept-key", "SHA256:first"]
    )
    assert done.exit_code == 0, (done.output, done.exception)
    assert logins == [NAME]
    assert "203.0.113.66" not in done.output
    assert "the plan of this folder has other hosts" in "\n".join(place.world.notes)
    place.world.close()
