"""The command line of logs, ps, scale and open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

Command = Callable[..., Result]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.runtime.behave("frontend", Behaviour(("GET /", "POST /")))
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    return world


@pytest.fixture
def command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    def call(*words: str, **env: str) -> Result:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), *words], env=env)
        if isinstance(done.exception, UsageError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.app.load_plan", lambda home, path: PLAN)
    return call


def test_lines_of_logs(command: Command) -> None:
    assert command("logs", "staging", "frontend").output == "frontend.1 r1 │ GET /\nfrontend.1 r1 │ POST /\n"
    assert command("logs", "staging", "frontend", "-n", "1").output == "frontend.1 r1 │ POST /\n"
    assert command("logs", "staging", "--grep", "^GET", "--release", "r1").output == "frontend.1 r1 │ GET /\n"
    line = command("logs", "staging", "--times", "--grep", "GET").output
    assert line.startswith("1970-01-01 00:00:")
    assert line.endswith(" frontend.1 r1 │ GET /\n")


def test_colours_only_where_they_are_wanted(command: Command) -> None:
    assert command("logs", "staging", FORCE_COLOR="1").output.startswith("\x1b[36mfrontend.1 r1 │ \x1b[0mGET /\n")
    assert "\x1b" not in command("logs", "staging", FORCE_COLOR="1", NO_COLOR="1").output


def test_one_object_a_line(command: Command) -> None:
    lines = [json.loads(line) for line in command("logs", "staging", "--json").output.splitlines()]
    assert [(item["service"], item["replica"], item["release"], item["line"]) for item in lines] == [
        ("frontend", 1, 1, "GET /"), ("frontend", 1, 1, "POST /"),
    ]  # fmt: skip
    assert set(lines[0]) == {"host", "service", "replica", "release", "container", "time", "line"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("logs", "staging", "--grep", "("), "is not a regular expression"),
        (("logs", "staging", "--lines", "few"), "--lines 'few' is not a number"),
        (("logs", "staging", "--since", "yesterday"), "'yesterday' is not a time"),
        (("logs", "staging", "--release", "r7"), "shop has no release r7"),
        (("scale", "staging", "backend"), "'backend' is not a number of replicas"),
        (("scale", "staging", "backend=-1"), "'backend=-1' is not a number of replicas"),
        (("scale", "staging", "=3"), "'=3' is not a number of replicas"),
        (("open", "nowhere"), "no environment 'nowhere'"),
    ],
)
def test_what_is_meant_otherwise(command: Command, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        command(*words)


def test_numbers_of_replicas_and_what_runs(command: Command) -> None:
    assert "backend of staging has 2 replicas on each host" in command("scale", "staging", "backend=2").output
    assert "nothing to do" in command("scale", "staging", "backend=2").output
    shown = command("ps", "staging").output.splitlines()
    assert shown[0].split() == ["container", "release", "state", "cpu", "memory", "restarts", "last", "exit"]
    assert [line.split()[0] for line in shown[1:]] == ["backend.1", "backend.2", "frontend.1", "worker.1", "db"]
    assert "67 MB" in shown[1]
    found = json.loads(command("ps", "staging", "--json").output)
    assert {(item["service"], item["state"]) for item in found} >= {("backend", "running"), ("db", "running")}


def test_the_address(command: Command) -> None:
    assert command("open", "staging").output == "http://staging.shop.localhost:8080\n"


def test_no_one_ran_a_command(command: Command) -> None:
    assert command("history", "--commands").output == "no one ran a command yet\n"


def test_two_numbers_for_one_service_are_an_error(command: Command) -> None:
    with pytest.raises(UsageError, match="a service is named more than once"):
        command("scale", "staging", "worker=2", "worker=3")


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (("exec", "staging", "web", "ls", "-la"), "ENVIRONMENT SERVICE -- COMMAND..."),
        (("db", "staging", "-c", "SELECT 1"), "ENVIRONMENT [ACCESSORY] [-- ARGUMENTS...]"),
    ],
)
def test_what_is_passed_on_follows_a_separator(tmp_path: Path, words: tuple[str, ...], usage: str) -> None:
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), *words])
    assert done.exit_code == 2
    assert f"what is passed on follows `--`: shipway {words[0]} [OPTIONS] {usage}" in done.output


@pytest.mark.parametrize("words", [("nowhere",), ("run", "nowhere", "digest")])
def test_jobs_of_an_unknown_environment(command: Command, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="shop has no environment 'nowhere'"):
        command("schedules", *words)
