"""Around a proof: masks, a database that is elsewhere or away, processes that die, its reports, and the gate that asks for it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.locks import is_held
from shipway.actions.proofs.waive import waive
from shipway.domain import proof as words
from shipway.domain.errors import GateRefused, ProofError
from shipway.domain.plan import Host, Scenario
from tests.system.conftest import Make
from tests.system.proofs import ADD, AGE, ASK, RENAMED, START, WRITE, Site, site, way_of

__all__ = ["site"]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900), pytest.mark.share(2 / 3)]


def test_masks_come_before_anything_looks_and_nothing_outside_is_reached(site: Site) -> None:
    ask = ASK.replace("-q", "-q -A -t")
    found = site.ctx.runtime.find(f"{site.project.app}_production_db")
    assert found is not None
    address = found.addresses[f"shipway_{site.project.app}_production"]
    look = {
        "masked": Scenario("masked", "web", f'[ "$({ask} "SELECT count(*) FROM pets WHERE name = \'Bella\'")" = 0 ]'),
        "outside": Scenario("outside", "web", f"! pg_isready -q -t 1 -h {address}"),
    }
    proof = site.prove(
        site.release(mode="data", mask=("UPDATE pets SET name = 'anonymous'",), exercise={**WRITE, **look})
    )
    assert proof.old_code.verdict == words.SAFE, proof.old_code
    assert "read: masked" in proof.new_code.checks, proof.new_code
    assert "read: outside" in proof.new_code.checks


def test_a_mask_that_does_not_fit_is_named(site: Site) -> None:
    with pytest.raises(ProofError, match=r"the mask `UPDATE pets SET colour = ''` failed") as caught:
        site.prove(site.release(mask=("UPDATE pets SET colour = ''",)))
    assert 'column "colour"' in caught.value.message
    assert site.left() == {}


def test_a_database_that_does_not_run_is_told(site: Site) -> None:
    name = f"{site.project.app}_production_db"
    site.ctx.runtime.stop(name, 5)
    try:
        with pytest.raises(ProofError, match=r"the database of production can't be read: its container .* is exited"):
            site.prove(site.release())
    finally:
        site.ctx.runtime.start(name)


def test_what_a_killed_proof_left_goes_with_the_next(site: Site) -> None:
    release = site.release()
    dying = site.project.start("prove", str(release.number))
    dying.until("▸ prove")
    while len(site.left()) < 4:  # networks, the server, and what comes then
        assert dying.running(), dying.output
    dying.kill()
    assert site.left()
    assert site.project.json("prove", str(release.number))["old_code"]["verdict"] == words.SAFE
    assert site.left() == {}
    assert list((site.project.home / "proofs").iterdir()) == []


def test_the_command_writes_all_reports(site: Site) -> None:
    release = site.release()
    files = {name: site.project.folder / f"report.{name}" for name in ("html", "junit", "markdown", "badge")}
    words = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    assert site.project.shipway("prove", str(release.number), *words).code == 0
    starts = {"html": "<!doctype html>", "junit": "<?xml", "markdown": "**✅ Rollback: ", "badge": "<svg "}
    assert {name: file.read_text()[: len(starts[name])] for name, file in files.items()} == starts
    assert "rollback: proven" in files["badge"].read_text()


def test_ctrl_c_ends_a_proof_whose_migration_never_does(site: Site) -> None:
    release = site.release(("SELECT pg_sleep(600);", AGE[1]))
    endless = site.project.start("prove", str(release.number))
    endless.until("▸ prove")
    while not any("_new_web" in name for name in site.left()):
        assert endless.running(), endless.output
    endless.press_ctrl_c()
    assert endless.end().code == 130
    assert site.left() == {}


def test_the_database_of_another_host_is_copied_through_a_file(site: Site) -> None:
    """Which is the same engine here, under another name."""
    here, away = site.ctx, "ssh://elsewhere"
    site.ctx = dataclasses.replace(here, connect=lambda host: dataclasses.replace(here.machine, name=host))
    where = {"production": dataclasses.replace(site.production(site.first), hosts=(Host(away),))}
    there = dataclasses.replace(site.first, plan=dataclasses.replace(site.first.plan, environments=where), digest="")
    site.runs(site.ctx.ledger.add_release(there))
    try:
        filled = Scenario(
            "filled",
            "web",
            f"""[ "$({ASK.replace("-q", "-q -A -t")} "SELECT count(*) FROM pets WHERE name = 'Bella'")" = 1 ]""",
        )
        proof = site.prove(site.release(mode="data", exercise={**WRITE, "filled": filled}))
    finally:
        site.runs(site.first)
        site.ctx = here
    assert way_of(proof).verdict == words.RESTORED
    assert "read: filled" in proof.new_code.checks, proof.new_code
    assert site.left() == {}


def test_the_gate(site: Site) -> None:
    """It deploys: the last one."""
    bad = site.release(
        (RENAMED[0], ""), files={"web/start": START.replace("name", "title"), "web/add": ADD.replace("name", "title")}
    )
    order = DeployRequest(bad, site.production(bad))
    holding = []
    site.ctx.reporter.begin = lambda name, detail="": holding.append(
        is_held(site.ctx.ledger.lease(f"{bad.app}/production"), site.ctx.ledger.now())
    )  # type: ignore[method-assign]
    with pytest.raises(GateRefused) as caught:
        deploy(site.ctx, order)
    assert holding == [False], "who deploys meanwhile is not kept waiting"
    del site.ctx.reporter.begin
    assert "down migrations: IRREVERSIBLE" in caught.value.message
    assert "release 1 on the new schema: UNSAFE" in caught.value.message
    assert site.project.psql("SELECT count(*) FROM shipway_migrations", "production") == "1"

    waive(site.ctx, bad, site.production(bad), site.prove(bad), "the old one is not needed any more", 3600)
    assert deploy(site.ctx, order) is not None
    assert site.project.psql("SELECT count(*) FROM shipway_migrations", "production") == "2"


def test_a_step_proves_what_its_run_has_built_and_the_gate_takes_that(make: Make) -> None:
    project = make(database=True)
    project.plan["environments"]["production"] |= {"on": "manual"}
    del project.plan["environments"]["production"]["approvals"]
    project.plan["prove"] = {
        "scenarios": {"look": {"service": "web", "run": "wget -q -O- $URL | grep -q -E 'one|two'", "kind": "write"}}
    }
    project.plan["pipeline"] = {"way-back": {"prove": "production"}}
    project.protect()
    project.change("one")
    assert "way-back     │ nothing runs in production yet" in project.shipway("run", "staging").output
    project.shipway("deploy", "production", "staging")

    project.change("two", files={"web/migrations/0002_age.up.sql": AGE[0], "web/migrations/0002_age.down.sql": AGE[1]})
    ran = project.shipway("run", "staging").output
    assert "RESTORED" in ran
    assert "UNSAFE" not in ran
    ledger = project.ledger()
    kept = [json.loads(item.detail) for item in ledger.evidence(project.app, 2) if item.kind == "proof"]
    ledger.close()
    assert [(item["environment"], item["release"], item["before"]) for item in kept] == [("production", 2, 1)]
    assert kept[0]["old_code"]["checks"] == ["write: look"]
    deployed = project.shipway("deploy", "production", "staging").output
    assert "▸ prove" not in deployed, "the proof exists already"
