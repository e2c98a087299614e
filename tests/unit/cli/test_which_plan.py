"""Which plan each command uses: docs/rules.md lists all of them, and a changed working tree decides nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from shipway.cli import COMMANDS, cli
from shipway.context import Context
from shipway.domain.errors import EngineError, ShipwayError
from shipway.domain.plan import Host
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

RULES = Path(__file__).parents[3] / "docs" / "rules.md"
# How each command of the release that runs there is called.
ARGUMENTS = {
    "restart": "staging", "scale": "staging frontend=2", "secret rotate": "staging", "rollback": "staging", "rehearse": "staging",
    "retire": "staging", "maintenance": "on staging", "purge": "staging --all", "snapshot": "staging",
    "restore": "staging 1 --yes", "backup": "staging", "seed": "staging", "database upgrade": "staging --accessory db",
    "exec": "staging frontend -- true", "console": "staging", "db": "staging", "schedules run": "staging job", "tick": "",
    "system-test": "staging", "doctor": "staging --fix", "destroy": "staging --force", "preview close": "7", "preview extend": "7",
    "preview wake": "7",
}  # fmt: skip
ELSEWHERE = "ssh://deploy@elsewhere"


def listed() -> dict[str, str]:
    """The row of each command in the table."""
    text = RULES.read_text(encoding="utf-8").partition("## Which plan a command uses")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| **")]
    found: dict[str, str] = {}
    for kind, names in rows:
        for name in re.findall(r"`([^`]+)`", names):
            assert name not in found, f"{name} is in two rows"
            found[name] = kind.strip()
    return found


def commands() -> Iterator[str]:
    """All, also those of groups; a group that does something itself too."""
    ctx = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(ctx, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from (f"{name} {sub}" for sub in found.list_commands(ctx))
        if not isinstance(found, click.Group) or found.invoke_without_command:
            yield name


def test_every_command_is_in_the_table() -> None:
    """A new command needs a decision: whose plan counts."""
    assert sorted(listed()) == sorted(commands())


def test_the_arguments_of_each_command_of_the_running_release_are_known() -> None:
    rows = {name for name, kind in listed().items() if kind.startswith("**the release that runs there**")}
    assert rows == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_changed_working_tree_decides_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names another host, another image of the database, a published port and other commands."""
    world = World.deployed(tmp_path, STAGING, 1)
    staging = dataclasses.replace(STAGING, hosts=(Host(ELSEWHERE), *STAGING.hosts), url="http://elsewhere.example")
    services = {key: dataclasses.replace(item, command="sh evil", replicas=7) for key, item in PLAN.services.items()}
    accessories = {key: dataclasses.replace(item, published=15432) for key, item in PLAN.accessories.items()}
    changed = dataclasses.replace(
        PLAN, services=services, accessories=accessories, environments={**PLAN.environments, "staging": staging}
    )
    asked: list[str] = []

    def connect(host: str) -> None:
        asked.append(host)
        raise EngineError(f"{host} can't be reached")

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield dataclasses.replace(world.controller(), connect=connect)  # type: ignore[arg-type]

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.app.load_plan", lambda home, path: changed)
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), *name.split(), *ARGUMENTS[name].split()])
    assert isinstance(done.exception, ShipwayError | SystemExit | None), done.exception
    assert done.exit_code != 2, done.output  # the arguments are right
    assert asked == []
    for item in world.runtime.containers.values():
        assert "evil" not in str(item.spec)
        assert not item.spec.publish
    if name in ("restart", "scale", "secret rotate", "maintenance", "doctor", "destroy"):
        assert done.exit_code == 0, (done.output, done.exception)
