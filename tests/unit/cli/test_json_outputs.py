"""What `--json` prints is what docs/json.md promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.locks import TTL
from shipway.cli import cli
from shipway.cli.json_outputs import OUTPUTS, page, schema
from shipway.context import Context
from shipway.domain.outbox import Message, Notification
from shipway.domain.people import Token
from shipway.domain.permissions import Grant
from shipway.domain.poll import Poll
from shipway.domain.preview import OPEN, Preview
from shipway.domain.release import Approval, Trigger
from shipway.domain.single_test import FAILED, SingleTest
from shipway.domain.snapshot import Snapshot
from shipway.domain.webhook import ForgeToken, Webhook
from tests.unit.cli.test_output import commands
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

PAGE = Path(__file__).resolve().parents[3] / "docs" / "json.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "call `make docs`"


def test_every_command_that_prints_json_is_documented() -> None:
    printing = {
        name
        for name, command in commands().items()
        if any(isinstance(item, click.Option) and "--json" in item.opts for item in command.params)
    }
    assert printing == set(OUTPUTS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Release 1 was rolled back to from release 2; a run and a deployment are in progress."""
    made = World(tmp_path_factory.mktemp("world"))
    for number in (1, 2):
        release = made.release(number)
        made.ledger.add_approval(
            Approval("shop", "staging", number, release.digest, "grace@example.org", "looked", made.clock())
        )
        deploy(made.controller(), DeployRequest(release, STAGING))
    made.ledger.add_snapshot(
        Snapshot("shop", "staging", 0, 1, "0001", made.clock(), "ada", "manual", "1.dump", 9, "d", {"pets": 3})
    )
    number = made.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), made.clock())
    failed = SingleTest("test_price", "tests.Units", "", FAILED, 0.5, "1 != 2", "a trace")
    made.ledger.add_tests(number, "unit", 0, [failed])
    made.ledger.add_person("ada@example.org", made.clock())
    made.ledger.add_grant(Grant("ada@example.org", "viewer", "shop"))
    made.ledger.add_token(Token(0, "ada@example.org", "CI", ("see",), "shop", "staging", 1.0, 2.0), "digest")
    made.ledger.add_webhook(Webhook("shop", "github", "git@github.com:acme/shop.git", "ada@example.org", 1.0))
    made.ledger.add_poll(
        Poll(
            "shop", "https://git.example/acme/shop.git", 60.0, "ada@example.org", 1.0, 1, {"refs/heads/main": "a" * 40}
        )
    )
    made.ledger.want_preview(Preview("shop", 7, "feature", "a" * 40, OPEN, "ada@example.org", 1.0))
    made.ledger.set_forge_token(ForgeToken("shop", "", "", "ada@example.org", 1.0))
    made.ledger.add_notification(Notification("ops", "command", ("true",), ("deployed",), "ada@example.org"))
    made.ledger.tell(Message("notification ops", "deployment 1", 1, "{}"))
    made.ledger.acquire(f"shop/run/{number}", "ada", "pipeline", TTL)
    return made


@pytest.mark.parametrize(
    "words",
    [
        "apps", "status", "history", "config staging", "diff r1 staging", "wait staging", "cancel", "secret list staging",
        "snapshots staging", "doctor", "rollback staging --dry-run", "prune --dry-run", "user list", "token list",
        "webhook list", "notify list", "poll list", "tests", "preview list",
    ],
)  # fmt: skip
def test_the_output_fits_its_schema(words: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shipway.app.open_context", opened)
    command = next(name for name in sorted(OUTPUTS, key=len, reverse=True) if words.startswith(name))
    app = (
        []
        if command in ("apps", "user list", "token list", "webhook list", "notify list", "poll list")
        else ["--app", "shop"]
    )
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), *words.split(), "--json", *app])
    assert done.exit_code in (0, 16), done.output
    found = json.loads(done.stdout)
    strict = closed(schema(command)) if command != "config" else schema(command)
    jsonschema.validate(found, strict)
    assert found, "an empty output shows nothing"


def closed(found: object) -> object:
    """The same without other keys: the page knows all that are printed."""
    if isinstance(found, list):
        return [closed(item) for item in found]
    if not isinstance(found, dict):
        return found
    inner = {key: closed(item) for key, item in found.items()}
    return {**inner, "additionalProperties": False} if "properties" in found and "required" in found else inner
