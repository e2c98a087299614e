"""The pages of the database, jobs, secrets and the audit: what they show, to whom, and that no value of a secret is there."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.people.tokens import create_token
from shipway.domain.audit import COMMAND, Acting, AuditFilter, Fact
from shipway.domain.insights import Week
from shipway.domain.permissions import ADMIN, DEVELOPER, RELEASER, VIEWER
from shipway.domain.proof import UNSAFE, CompatibilityTest
from shipway.domain.record import to_data
from shipway.domain.rehearsal import REHEARSAL, Rehearsal
from shipway.domain.release import SUCCEEDED, Evidence, Trigger
from shipway.domain.scheduled_run import ScheduledRun
from shipway.domain.single_test import FAILED, PASSED, SingleTest
from shipway.domain.tasks import Schedule
from shipway.server.figures import HEIGHT, WIDTH, bars
from shipway.system.acting import acting_in_request
from shipway.testing.ledger.samples import SNAPSHOT, WAIVER
from tests.unit.domain.samples import STAGING
from tests.unit.server.asking import ask
from tests.unit.server.site import EVIL, Place, place

__all__ = ["place"]
ADA = Acting("ada@example.org", "session 1", "192.0.2.7")


@pytest.fixture
def ready(place: Place) -> Place:
    place.deployed(1)
    place.observer.look("shop")
    return place


def test_the_database_of_each_environment(ready: Place) -> None:
    ledger = ready.ctx.ledger
    ledger.add_snapshot(dataclasses.replace(SNAPSHOT, app="shop", environment="staging", cause=EVIL))
    ledger.add_waiver(
        dataclasses.replace(
            WAIVER, app="shop", environment="staging", release=1, finding="a column is lost", reason=EVIL
        )
    )
    found = ready.page("/apps/shop/database")
    assert found.status == 200
    for seen in ("staging", "r1", "a column is lost", "&lt;script&gt;", "expired", "production", "nothing deployed"):
        assert seen in found.text, seen
    assert EVIL not in found.text


def test_the_jobs_of_each_environment(ready: Place) -> None:
    staging = dataclasses.replace(
        STAGING, schedules={"clean": Schedule("clean", "frontend", f"rm {EVIL}", "5 4 * * *")}
    )
    deploy(ready.world.controller(), DeployRequest(ready.world.release(2, environment=staging), staging))
    found = ready.page("/apps/shop/jobs")
    assert found.status == 200
    for seen in ("clean", "5 4 * * *", "It has not run yet.", "rm &lt;script&gt;"):
        assert seen in found.text, seen


def test_what_a_job_printed_is_for_who_may_read_logs(ready: Place) -> None:
    staging = dataclasses.replace(STAGING, schedules={"clean": Schedule("clean", "frontend", "rm", "5 4 * * *")})
    deploy(ready.world.controller(), DeployRequest(ready.world.release(2, environment=staging), staging))
    ran = ScheduledRun(
        0, "shop", "staging", "clean", 1.0, 0, 2, "local", "ada", "", 1.0, 1.0, SUCCEEDED, 2.0, 0, "", "canary"
    )
    assert ready.ctx.ledger.claim_scheduled(ran) is not None
    ready.person("a@example.org", ADMIN)
    tokens = [create_token(ready.ctx, None, "a@example.org", "x", may, 1).secret for may in (["see"], ["see", "logs"])]
    found = [ask(ready.app, "/apps/shop/jobs", authorization=f"Bearer {token}") for token in tokens]
    assert [item.status for item in found] == [200, 200]
    assert ["canary" in item.text for item in found] == [False, True]


def test_secrets_are_names_and_never_values(ready: Place) -> None:
    secrets = ready.world.secrets(ready.ctx.ledger)
    with acting_in_request(ADA):
        secrets.set("shop/staging", "TOKEN", "value-one")
        secrets.set("shop/staging", "TOKEN", "value-two")
        secrets.remove("shop/staging", "TOKEN")
        secrets.set("shop/production", "HIDDEN", "value-three")
    developer, releaser = ready.person("d@example.org", DEVELOPER), ready.person("r@example.org", RELEASER)
    found = ready.page("/apps/shop/secrets", developer).text
    for seen in ("TOKEN", "removed", "2 earlier", "version 1, ", "ada@example.org", "KEY"):
        assert seen in found, seen
    assert "value-" not in found
    assert "HIDDEN" not in found  # production is protected
    assert "HIDDEN" in ready.page("/apps/shop/secrets", releaser).text
    fingerprints = [item for versions in ready.ctx.ledger.secrets("shop/staging").values() for item in versions if item]
    assert fingerprints
    assert not any(item in found for item in fingerprints)


def test_the_navigation_has_only_what_one_may_see(ready: Place) -> None:
    viewer, admin = ready.page("/apps/shop").text, ready.page("/apps/shop", ready.person("a@example.org", ADMIN)).text
    for link in ('href="/audit"', 'href="/apps/shop/secrets"'):
        assert link not in viewer
        assert link in admin


def test_the_audit_is_filtered_and_paged(ready: Place) -> None:
    admin = ready.person("a@example.org", ADMIN)
    with acting_in_request(ADA):
        for number in range(120):
            ready.ctx.ledger.add_entry(Fact(COMMAND, f"command-{number}-", "shop", "staging"))
        ready.ctx.ledger.add_entry(Fact(COMMAND, EVIL, "other"))
    first = ready.page(f"/audit?actor={ADA.actor}&app=shop", admin).text
    assert "command-119-" in first
    assert "command-70-" in first
    assert "command-69-" not in first
    assert EVIL not in first
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = ready.page(older, admin).text
    assert "command-69-" in second
    assert "command-70-" not in second
    assert "Newest" in second
    head = ready.ctx.ledger.audit(AuditFilter(), 1)[0].digest
    assert head in first
    assert "&lt;script&gt;" in ready.page("/audit?app=other", admin).text
    assert "Nothing like that" in ready.page("/audit?actor=nobody", admin).text
    assert "Nothing like that" in ready.page("/audit?since=2100-01-31", admin).text
    assert ready.page("/audit?since=yesterday", admin).status == 404
    assert ready.page("/audit?before=x&kind=%27%3B--", admin).status == 200


def test_the_audit_is_exported_whole(ready: Place) -> None:
    admin = ready.person("a@example.org", ADMIN)
    chain = list(ready.ctx.ledger.audit_chain())
    as_json = ready.page("/audit.json", admin)
    assert "attachment" in as_json.headers["content-disposition"]
    assert json.loads(as_json.text) == [to_data(item) for item in reversed(chain)]
    for item in json.loads(as_json.text):
        fields = [value for name, value in item.items() if name != "digest"]
        assert hashlib.sha256(json.dumps(fields).encode()).hexdigest() == item["digest"]  # as docs/audit.md says
    rows = list(csv.reader(io.StringIO(ready.page("/audit.csv", admin).text)))
    assert [row[0] for row in rows[1:]] == [str(item.number) for item in reversed(chain)]
    assert json.loads(ready.page("/audit.json?kind=nothing", admin).text) == []


def test_rehearsals_are_shown(ready: Place) -> None:
    made = Rehearsal("staging", 1, 1, "schema", "0001", CompatibilityTest(UNSAFE), 1.0, ())
    ready.ctx.ledger.add_evidence(
        Evidence("shop", 1, "staging", REHEARSAL, "", False, json.dumps(to_data(made)), 900.0)
    )
    found = ready.page("/apps/shop/database").text
    for seen in ("Rollback rehearsed", "r1 → r1", "✗ failed", UNSAFE):
        assert seen in found, seen


def test_another_app_is_not_seen(ready: Place) -> None:
    other = ready.person("o@example.org", ADMIN, "other")
    for name in ("database", "jobs", "secrets", "insights"):
        assert ready.page(f"/apps/shop/{name}", other).status == 404
    viewer = ready.person("v@example.org", VIEWER, "shop", "staging")
    assert "production" not in ready.page("/apps/shop/database", viewer).text


def test_insights_are_pictures_with_their_numbers(ready: Place) -> None:
    for number, outcome in enumerate(("succeeded", "failed"), 1):
        run = ready.ctx.ledger.begin_run(
            "shop", "a" * 40, f"t{number}", Trigger("push", "refs/heads/x", "ada"), ready.world.now
        )
        ready.ctx.ledger.begin_step(run, EVIL, "same", ready.world.now)
        ready.ctx.ledger.end_step(run, EVIL, outcome, ready.world.now + 40.0)
    found = ready.page("/apps/shop/insights?environment=staging&days=30")
    assert found.status == 200
    for seen in (
        "1 deployments succeeded",
        "<svg",
        "<polyline",
        "&lt;script&gt;",
        "40.0 s",
        "Flakiest",
        "1 succeeded, 0 failed",
    ):
        assert seen in found.text, seen
    assert EVIL not in found.text
    assert "style=" not in found.text  # the policy of the page allows none
    for query in ("?environment=nosuch", "?days=x", "?days=99999999999"):
        assert ready.page(f"/apps/shop/insights{query}").status == 200


def test_insights_of_nothing(place: Place) -> None:
    place.world.release(1)
    assert "Nothing was deployed yet." in place.page("/apps/shop/insights").text
    for name in ("database", "jobs"):
        assert place.page(f"/apps/shop/{name}").status == 200


def test_a_picture_fits_whatever_it_shows() -> None:
    for counts in ([(0, 0)], [(0, 0)] * 53, [(1, 0), (10**6, 5)], [(3, 3)] * 600):
        for bar in bars([Week(0.0, *item) for item in counts]):
            assert 0 <= bar["bad_y"] <= bar["good_y"] <= HEIGHT
            assert bar["x"] + bar["width"] <= WIDTH + 2


def test_the_slowest_and_the_flakiest_tests(ready: Place) -> None:
    bad = SingleTest(EVIL, "tests.Units", "", FAILED, 0.5, "1 != 2", "trace")
    run = ready.ctx.ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/x", "ada"), ready.world.now)
    ready.ctx.ledger.add_tests(run, "unit", 0, [bad])
    ready.ctx.ledger.add_tests(run, "unit", 1, [dataclasses.replace(bad, outcome=PASSED, seconds=41.0)])
    text = ready.page("/apps/shop/insights?environment=staging&days=30").text
    slow, flaky = text.partition('aria-label="Slowest tests"')[2].split('aria-label="Flakiest tests"')
    for part in (slow, flaky):
        assert "&lt;script&gt;" in part
        assert "tests.Units" in part
    assert "41.0 s" in slow
    assert EVIL not in text
