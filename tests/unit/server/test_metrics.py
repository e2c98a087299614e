"""What Prometheus reads is as its own parser wants it, and shows no more than the token may see."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shipway.domain.permissions import ADMIN, VIEWER
from shipway.domain.release import Lease, Trigger
from shipway.server.access import COOKIE
from shipway.server.web import application
from shipway.testing.ledger.queue import pushed
from tests.programs import program
from tests.unit.server.api import Api
from tests.unit.server.asking import Answer, ask, routes

EVIL = 'a "b" \\ c\nd'


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


def metrics(api: Api, token: str) -> Answer:
    return ask(api.app, "/metrics", authorization=f"Bearer {token}")


def samples(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Values by name and labels, as the parser of Prometheus' own client reads them."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for item in family.samples:
            place = found.setdefault(item.name, {})
            assert tuple(sorted(item.labels.items())) not in place
            place[tuple(sorted(item.labels.items()))] = item.value
    return found


def labels(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given.items()))


def test_what_there_is_is_counted(api: Api) -> None:
    ledger = api.world.ledger
    ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/main", EVIL), 1.0)
    waits = ledger.enqueue(pushed("b"))
    board = api.observer._boards["shop"]
    lease = Lease("shop/staging", f"{EVIL} #1", EVIL, ledger.now() - 5, ledger.now() + 60, 1)
    first, *others = board.environments
    assert first.environment.name == "staging"
    api.observer._boards["shop"] = dataclasses.replace(
        board, environments=(dataclasses.replace(first, lease=lease), *others)
    )
    answer = metrics(api, api.token(ADMIN))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found, here = samples(answer.text), {"app": "shop", "environment": "staging"}
    assert found["shipway_deployment_seconds_count"] == {labels(**here, kind="deploy", outcome="succeeded"): 1}
    assert found["shipway_run_seconds_count"] == {labels(app="shop", trigger="push", outcome="failed"): 1}
    assert found["shipway_runs_unfinished"] == {labels(app="shop", trigger="push"): 1}
    assert found["shipway_queue_pushes"] == {labels(state="waiting"): 1, labels(state="running"): 0}
    [age] = found["shipway_queue_oldest_seconds"].values()
    assert 0 <= age <= ledger.now() - waits.queued
    assert found["shipway_environment_ok"] == {labels(**here): 1}
    assert found["shipway_environment_release"] == {labels(**here): 1}
    assert found["shipway_replicas"][labels(**here, service="frontend", state="running")] == 1
    [(held, seconds)] = found["shipway_lock_seconds"].items()
    assert held == labels(**here, holder=EVIL, reason=EVIL)
    assert seconds >= 5


def test_a_container_that_is_missing_is_seen(api: Api) -> None:
    for name in [item for item in api.world.runtime.containers if "frontend" in item][:1]:
        api.world.runtime.stop(name, 0)
    api.observer.look("shop")
    found = samples(metrics(api, api.token(ADMIN)).text)
    assert set(found["shipway_environment_ok"].values()) == {0}


def test_a_token_needs_the_permission_to_see(api: Api) -> None:
    everything = set(samples(metrics(api, api.token(VIEWER)).text))
    assert "shipway_queue_pushes" in everything
    assert metrics(api, api.token(ADMIN, "audit")).status == 403
    part = metrics(api, api.token(VIEWER, app="shop", environment="production"))
    assert "staging" not in part.text
    assert "queue" not in part.text
    other = metrics(api, api.token(VIEWER, app="other"))
    assert "shop" not in other.text
    for given in (
        {},
        {"authorization": "Bearer x"},
        {"cookie": f"{COOKIE}={api.sees}"},
        {"authorization": f"Bearer {api.sees}"},
    ):
        assert ask(api.app, "/metrics", **given).status == 401


def test_everybody_reads_them_only_if_the_operator_says_so(api: Api) -> None:
    site = next(route.endpoint.__self__._site for route in routes(api.app) if getattr(route, "path", "") == "/metrics")
    opened = application(dataclasses.replace(site, open_metrics=True))
    assert "shipway_queue_pushes" in samples(ask(opened, "/metrics").text)
    assert ask(opened, "/apps/shop").status == 401


@pytest.mark.counterpart
def test_promtool_finds_nothing_to_improve(api: Api) -> None:
    text = metrics(api, api.token(ADMIN)).text
    done = subprocess.run([program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
