"""`shipway show`: what deployments and runs printed, for who looks later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.locks import TTL
from shipway.actions.environment.prune import EVENTS, prune
from shipway.actions.environment.recording import recorded, recorded_events
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.recorded_output import of_deployment, of_run
from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import Interrupted, UsageError
from shipway.domain.event import DEPLOYMENT, RUN, Subject
from shipway.domain.release import SUCCEEDED, Deployment, Trigger
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def texts(ctx: Context, id: int) -> list[str]:
    return [f"{event.kind} {event.name} {event.text}" for event in ctx.ledger.events(Subject(DEPLOYMENT, "shop", id))]


def test_a_deployment_keeps_what_it_printed(world: World) -> None:
    release = world.release(1)
    done = deploy(world.controller(), DeployRequest(release, STAGING))
    assert done is not None
    found = texts(world.controller(), done.id)
    assert found[0] == "heading  deploy staging"
    assert "create" in found[1]
    assert any(text.startswith("begin switch") for text in found)
    ctx = world.controller()
    output = of_deployment(ctx, "shop", "staging", None)
    assert "deploy of release 1 to staging" in output.title
    assert output.end() == f"deployment {done.id} succeeded"
    assert len(list(output.events(ctx, follow=True))) == len(found)


def test_each_deployment_has_its_own(world: World) -> None:
    first = deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    second = deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    destroy(world.controller(), PLAN, STAGING)
    ctx = world.controller()
    assert first is not None
    assert second is not None
    gone = ctx.ledger.latest("shop", "staging")
    assert gone is not None
    assert texts(ctx, gone.id)[0] == "heading  destroy staging"
    destroy(world.controller(), PLAN, STAGING)  # again: a command that says nothing leaves one alone
    assert world.notes[-1] == "nothing is deployed to staging: whatever was left of it is removed"
    assert of_deployment(ctx, "shop", "staging", None).subject.number == gone.id
    assert "release 1" in of_deployment(ctx, "shop", "staging", first.id).title
    with pytest.raises(UsageError, match="staging has no deployment 999"):
        of_deployment(ctx, "shop", "staging", 999)
    with pytest.raises(UsageError, match="production has no deployment yet"):
        of_deployment(ctx, "shop", "production", None)
    with pytest.raises(UsageError, match="has no run 4"):
        of_run(ctx, "shop", 4)


def test_it_is_followed_until_its_end(world: World) -> None:
    ctx = world.controller()
    record = Deployment(0, "shop", "staging", world.release(1).number, "deploy", "ada", "", world.clock())
    id = ctx.ledger.begin_deployment(record)
    lease = ctx.ledger.acquire("shop/staging", "ada", "deploy of release 1", TTL)
    output = of_deployment(ctx, "shop", "staging", None)
    assert output.end() == f"deployment {id} is in progress"
    seen = list[str]()
    with recorded(ctx, output.subject) as own:
        own.reporter.note("begun")
    for event in output.events(ctx, follow=True):
        seen.append(event.text)
        if event.text == "begun":
            with recorded(ctx, output.subject) as own:
                own.reporter.note("ended")
            ctx.ledger.end_deployment(id, SUCCEEDED, world.clock(), None, "")
            ctx.ledger.free(lease)
    assert seen == ["begun", "ended"]


def test_who_follows_sees_the_end_after_all_events(world: World) -> None:
    ctx = world.controller()
    record = Deployment(0, "shop", "staging", world.release(1).number, "deploy", "ada", "", world.clock())
    id = ctx.ledger.begin_deployment(record)
    number = ctx.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "x", "ada"), world.clock())
    deployment, run = Subject(DEPLOYMENT, "shop", id), Subject(RUN, "shop", number)
    with recorded(ctx, deployment) as own:
        own.reporter.note("last words")
        own.ledger.end_deployment(id, SUCCEEDED, world.clock(), None, "")
        assert texts(ctx, id) == ["note  last words"]
    with recorded(ctx, run) as own:
        own.reporter.note("last words")
        own.ledger.end_run(number, SUCCEEDED, world.clock())
        assert [event.text for event in ctx.ledger.events(run)] == ["last words"]


def test_output_leaves_the_reserve_of_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    reserve = next(world._folder.glob("*.reserve"))
    usage = shutil.disk_usage(world._folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2 * reserve.stat().st_size))
    ctx = world.controller()
    with recorded(ctx, Subject(DEPLOYMENT, "shop", 7)) as own:
        own.reporter.note("much")
    assert (texts(ctx, 7), reserve.exists()) == ([], True)


def test_a_dead_process_is_not_followed(world: World) -> None:
    ctx = world.controller()
    record = Deployment(0, "shop", "staging", world.release(1).number, "deploy", "ada", "", world.clock())
    id = ctx.ledger.begin_deployment(record)
    output = of_deployment(ctx, "shop", "staging", None)
    assert list(output.events(ctx, follow=True)) == []
    assert output.end() == f"deployment {id} is unfinished: its process died"
    number = ctx.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "x", "ada"), world.clock() - TTL - 1)
    run = of_run(ctx, "shop", number)
    assert list(run.events(ctx, follow=True)) == []
    assert run.end() == f"run {number} is unfinished: its process died"


def test_following_can_be_interrupted(world: World) -> None:
    ctx = world.controller()
    ctx.cancelled.set()
    with pytest.raises(Interrupted, match="what it follows goes on"):
        list(recorded_events(ctx, Subject(DEPLOYMENT, "shop", 1), going=lambda: True))


def test_old_output_is_removed(world: World) -> None:
    ctx = world.controller()
    with recorded(ctx, Subject(DEPLOYMENT, "shop", 1)) as own:
        own.reporter.note("old")
    world.now += EVENTS + 1
    with recorded(ctx, Subject(DEPLOYMENT, "shop", 2)) as own:
        own.reporter.note("new")
    prune(ctx, "shop")
    assert (texts(ctx, 1), texts(ctx, 2)) == ([], ["note  new"])


def test_the_command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.app.load_plan", lambda home, path: PLAN)
    done = deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    assert done is not None

    def output(*args: str) -> str:
        called = CliRunner().invoke(cli, ["--home", str(tmp_path), "show", *args], catch_exceptions=False)
        assert called.exit_code == 0, called.output
        return called.output

    told = output("staging", "--follow")
    assert told.splitlines()[0] == f"deployment {done.id}: deploy of release 1 to staging by {done.actor}"
    assert "▌ deploy staging" in told
    assert "✓ switch" in told
    assert told.splitlines()[-1] == f"deployment {done.id} succeeded"
    events = [json.loads(line) for line in output("staging", "--deployment", str(done.id), "--json").splitlines()]
    assert events[0]["text"] == "deploy staging"
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    with pytest.raises(UsageError, match="has no meaning for a run"):
        output("4", "--deployment", "1")
