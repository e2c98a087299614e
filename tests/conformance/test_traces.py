"""Traces of runs and deployments: what a collector gets, and that nothing waits for one that is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.recording import recorded
from shipway.actions.environment.tracing import LOG
from shipway.domain.errors import ShipwayError
from shipway.domain.event import DEPLOYMENT, RUN, Subject
from shipway.domain.release import FAILED, SKIPPED, SUCCEEDED, Trigger
from shipway.domain.trace import traceparent
from shipway.system import otlp
from shipway.testing.memory import Behaviour
from tests.conformance.collector import Collector
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

pytestmark = pytest.mark.counterpart
PUSH = Trigger("push", "refs/heads/hunter2-Kx9vQz41", "ada@example.org")
SECRET = "hunter2-Kx9vQz41"


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


@pytest.fixture
def world(tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv(otlp.ENDPOINT, collector.url)
    return World(tmp_path)


def ran(world: World) -> int:
    """A run with three steps, of which one failed."""
    ctx = world.controller()
    ctx.redactor.add({"KEY": SECRET})
    ledger, at = ctx.ledger, world.now
    number = ledger.begin_run("shop", "a" * 40, "t", PUSH, at)
    with recorded(ctx, Subject(RUN, "shop", number), lines=False) as own:
        own.reporter.begin("unit", f"pytest --password {SECRET}")
        for name, outcome, seconds in (
            ("lint", SKIPPED, 0.0),
            ("unit", FAILED, 2.5),
            (f"e2e {SECRET}", SUCCEEDED, 1.0),
        ):
            ledger.begin_step(number, name, "key", at)
            ledger.end_step(number, name, outcome, at + seconds, failure=f"`curl -u {SECRET}` exited with 1")
        own.ledger.end_run(number, FAILED, at + 3.0)
    return number


def test_a_run_is_a_span_with_its_steps(world: World, collector: Collector) -> None:
    number = ran(world)
    root, *steps = collector.spans()
    given = {item.key: item.value.string_value for item in root.attributes}
    assert root.name == "run shop"
    assert given["cicd.pipeline.run.id"] == str(number)
    assert given["cicd.pipeline.result"] == "failure"
    assert given["vcs.ref.head.revision"] == "a" * 40
    assert (root.parent_span_id, root.status.code) == (b"", 2)
    assert root.end_time_unix_nano - root.start_time_unix_nano == pytest.approx(3e9, abs=1e6)
    found = {step.name: step for step in steps}
    assert set(found) == {"lint", "unit", "e2e «KEY»"}
    assert all(step.parent_span_id == root.span_id and step.trace_id == root.trace_id for step in steps)
    assert found["unit"].status.code == 2
    assert found["unit"].end_time_unix_nano - found["unit"].start_time_unix_nano == pytest.approx(2.5e9, abs=1e6)
    told = traceparent(world.ledger.identity(), Subject(RUN, "shop", number), "unit")
    assert told == f"00-{root.trace_id.hex()}-{found['unit'].span_id.hex()}-01"


def test_neither_secrets_nor_commands_are_in_it(world: World, collector: Collector) -> None:
    ran(world)
    collector.spans()
    text = str(collector.requests[0])
    for hidden in (SECRET, "pytest", "curl", "exited", "ada@example.org"):
        assert hidden not in text, hidden


def test_a_deployment_is_a_span_with_its_phases(world: World, collector: Collector) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    root, *phases = collector.spans()
    given = {item.key: item.value for item in root.attributes}
    assert root.name == "deploy staging"
    assert given["deployment.environment.name"].string_value == "staging"
    assert given["shipway.release"].int_value == 1
    assert root.status.code == 1
    assert phases, "its phases"
    assert len({span.span_id for span in (root, *phases)}) == len(phases) + 1
    reported = {item.name for item in world.ledger.events(Subject(DEPLOYMENT, "shop", 1)) if item.kind == "end"}
    assert {span.name for span in phases} == reported


def test_a_deployment_that_failed_says_so(world: World, collector: Collector) -> None:
    world.runtime.behave("shop_staging_backend_1-*", Behaviour(healthy=False))
    with pytest.raises(ShipwayError):
        deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    root, *phases = collector.spans()
    assert root.status.code == 2
    assert any(span.status.code == 2 for span in phases)


def test_the_standard_variables_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/other/path")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,x-scope = team")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "releases")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=ci,broken")
    ran(World(tmp_path))
    collector.spans()
    collector.close()
    assert collector.paths == ["/other/path"]
    assert collector.headers[0]["authorization"] == "Bearer abc"
    assert collector.headers[0]["x-scope"] == "team"
    assert collector.headers[0]["content-type"] == "application/json"
    resource = {
        item.key: item.value.string_value for item in collector.requests[0].resource_spans[0].resource.attributes
    }
    assert resource == {"service.name": "releases", "deployment.environment": "ci"}


def test_an_endpoint_that_is_busy_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector(503, 429, 200)
    monkeypatch.setenv(otlp.ENDPOINT, collector.url)
    ran(world)
    assert collector.spans()
    assert len(collector.paths) == 3
    collector.close()


@pytest.mark.parametrize("kind", ["refused", "away", "not HTTP", "no host"])
def test_a_run_ends_as_it_would_without_it(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    collector = Collector(*([500] if kind == "refused" else []))
    monkeypatch.setattr(otlp, "TRIES", 1)
    urls = {"refused": collector.url, "away": "http://127.0.0.1:1", "not HTTP": "grpc://x:4317", "no host": "http://"}
    monkeypatch.setenv(otlp.ENDPOINT, urls[kind])
    number = ran(world)
    found = world.ledger.run("shop", number)
    assert found is not None
    assert found.outcome == FAILED
    to = otlp.endpoint()
    assert to is not None
    if kind in ("not HTTP", "no host"):
        assert any("OTEL_EXPORTER_OTLP_ENDPOINT is no address" in line for line in world.notes)
    else:
        assert otlp.send(to, b"{}") != ""
        log = world.controller().home / LOG
        for _ in range(1200):
            if log.exists() and log.read_text():
                break
            time.sleep(0.05)
        assert "a trace was not sent" in log.read_text()
    collector.close()


def test_nothing_waits_for_a_slow_endpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run has ended, and its context too, while the endpoint has not answered yet."""
    collector = Collector(200, pause=3.0)
    monkeypatch.setenv(otlp.ENDPOINT, collector.url)
    ran(world)
    assert collector.requests == []
    assert collector.spans()
    collector.close()


@pytest.mark.parametrize(
    "given",
    [
        {}, {otlp.ENDPOINT: " "}, {otlp.ENDPOINT: "http://x", "OTEL_SDK_DISABLED": "true"},
        {otlp.ENDPOINT: "http://x", "OTEL_TRACES_EXPORTER": "none"},
    ],
)  # fmt: skip
def test_without_an_endpoint_there_is_nothing(given: dict[str, str]) -> None:
    assert otlp.endpoint(given) is None


def test_what_the_variables_mean() -> None:
    found = otlp.endpoint(
        {
            otlp.ENDPOINT: "http://c:4318/",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1%0d%0ab",
        }
    )
    assert found is not None
    assert (found.url, found.timeout, found.headers, found.problem) == ("http://c:4318/v1/traces", 2.5, {}, "")
    grpc = otlp.endpoint({otlp.ENDPOINT: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert grpc is not None
    assert "grpc is not supported" in grpc.problem
