"""Logs of several containers as one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.operations.logs import LogQuery, logs
from shipway.domain.errors import EngineError, KeyMissing, UsageError
from shipway.domain.log import LogLine, stamp
from shipway.domain.plan import LOCAL, Environment, Host
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

TWO = dataclasses.replace(STAGING, hosts=(Host(), Host("ssh://two")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, (LOCAL, "ssh://two"))
    for engine in world.engines.values():
        engine.runtime.behave("frontend", Behaviour(("GET /", "POST /")))
        engine.runtime.behave("backend", Behaviour(("key is secret-key", "ready")))
        engine.runtime.behave("db", Behaviour(("checkpoint",)))
    return world


def read(world: World, environment: Environment = STAGING, **query: object) -> list[str]:
    found = logs(world.controller(), PLAN, environment, LogQuery(**query))  # type: ignore[arg-type]
    return [f"{source.host} {source.name} r{source.release} {line}" for batch in found for _, line, source in batch]


def test_all_services_by_time_without_secrets(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    found = read(world)
    assert sorted(found) == [
        "local backend.1 r1 key is «KEY»",
        "local backend.1 r1 ready",
        "local frontend.1 r1 GET /",
        "local frontend.1 r1 POST /",
    ]
    times = [time for batch in logs(world.controller(), PLAN, STAGING, LogQuery()) for time, _, _ in batch]
    assert times == sorted(times)
    assert read(world, last=1) == found[-1:]
    assert read(world, grep=re.compile("^(GET|ready)")) == [line for line in found if "GET" in line or "ready" in line]
    assert read(world, since=times[1]) == found[2:]


def test_a_pattern_sees_only_what_is_printed(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    assert read(world, grep=re.compile("secret-key")) == []


def test_older_values_of_a_secret_are_masked_too(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    world.secrets(world.ledger).set("shop/staging", "KEY", "another-key")
    assert "local backend.1 r1 key is «KEY»" in read(world)


def test_a_removed_secret_is_masked_too(world: World) -> None:
    """Containers of the release that had it may still print it."""
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    world.secrets(world.ledger).remove("shop/staging", "KEY")
    assert "local backend.1 r1 key is «KEY»" in read(world)


def test_without_the_key_nothing_is_printed(world: World, tmp_path: Path) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    (tmp_path / "key").unlink()
    with pytest.raises(KeyMissing):
        read(world)


def test_one_service_or_an_accessory(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    assert read(world, names=("db",)) == ["local db rNone checkpoint"]
    assert read(world, names=("frontend",)) == ["local frontend.1 r1 GET /", "local frontend.1 r1 POST /"]
    assert read(world, names=("worker",)) == []
    with pytest.raises(UsageError, match="no service or accessory 'fronted'") as caught:
        read(world, names=("fronted",))
    assert "frontend, backend, worker, db" in caught.value.hint


def test_containers_that_ended_of_both_releases(world: World) -> None:
    for number in (1, 2):
        deploy(world.controller(), DeployRequest(world.release(number), STAGING))
    stopped = [
        item.info.state for item in world.runtime.containers.values() if item.info.labels.get("shipway.release") == "1"
    ]
    assert set(stopped) == {"exited"}
    assert {line.split()[2] for line in read(world)} == {"r1", "r2"}
    assert {line.split()[2] for line in read(world, release=1)} == {"r1"}
    with pytest.raises(UsageError, match="release r7 anymore") as caught:
        read(world, release=7)
    assert "r1, r2" in caught.value.hint


def test_all_hosts_and_one_that_does_not_answer(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1, environment=TWO), TWO))
    assert {line.split()[0] for line in read(world, TWO)} == {"local", "ssh://two"}
    world.engines["ssh://two"].away = True
    assert {line.split()[0] for line in read(world, TWO)} == {"local"}
    assert any("the logs of ssh://two are missing" in note for note in world.notes)


def test_no_host_answers(world: World) -> None:
    far = dataclasses.replace(STAGING, hosts=(Host("ssh://two"),))
    world.engines["ssh://two"].away = True
    with pytest.raises(EngineError, match="can't be reached"):
        read(world, far)
    assert world.notes == [], "the error says it"
    world.runtime.fail("list", error=EngineError("nothing answers"))
    with pytest.raises(EngineError, match="nothing answers"):
        read(world, TWO)
    assert [note.partition(":")[0] for note in world.notes] == ["the logs of ssh"]


def test_nothing_was_deployed(world: World) -> None:
    with pytest.raises(UsageError, match="staging has no container of a service"):
        read(world)


def test_followed_until_it_is_left(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    found = logs(world.controller(), PLAN, STAGING, LogQuery(("frontend",), follow=True))
    assert [line for _, line, _ in next(found)] == ["GET /", "POST /"]
    world.secrets(world.ledger).set("shop/staging", "KEY", "a-new-value")
    world.runtime.behave("frontend", Behaviour(("with a-new-value",)))
    deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    assert {(source.release, line) for _, line, source in next(found)} == {(2, "with «KEY»")}
    found.close()


def test_following_goes_on_after_the_engine_was_restarted(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    found = logs(world.controller(), PLAN, STAGING, LogQuery(("frontend",), follow=True))
    next(found)
    world.runtime.behave("frontend", Behaviour(("back again",)))
    deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    world.runtime.fail("list", error=EngineError("nothing answers"))
    assert [line for _, line, _ in next(found)] == ["back again"]
    assert world.notes[-1] == "the logs of local are missing: nothing answers"
    found.close()


def test_long_lines_are_not_read_far_ahead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a log with lines of a million characters must not be in memory at once."""
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    monkeypatch.setattr("shipway.actions.operations.logs.LARGE", 1000)
    produced: list[str] = []

    def log(container: str, **more: object) -> Iterator[list[LogLine]]:
        for number in range(200):
            produced.append(container)
            yield [(stamp(number), "x" * 500)]

    world.runtime.log = log  # type: ignore[method-assign, assignment]
    taken = 0
    for batch in logs(world.controller(), PLAN, STAGING, LogQuery(("frontend", "backend"))):
        taken += len(batch)
        assert len(produced) - taken <= 20
    assert taken == len(produced) == 400
