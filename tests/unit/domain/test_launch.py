"""Decisions about a launch."""

from __future__ import annotations

from dataclasses import replace

from shipway.domain.launch import (
    Launch,
    LaunchRecord,
    Load,
    name_problem,
    newest,
    seed_due,
    succeeded,
    unfinished,
)  # fmt: skip
from shipway.domain.launching import created, rows
from shipway.domain.plan import Environment, Proving, Scenario, Tls
from shipway.domain.rules import InForce, RuleSet, keys_of, launch_rules, required_scenarios
from tests.unit.domain.samples import PLAN, STAGING

RECORD = LaunchRecord("shop", "staging", "seed", "pending", 1, "", "ada", 10.0)


def test_a_seed_runs_once_until_the_environment_is_destroyed() -> None:
    failed, done = replace(RECORD, outcome="failed"), replace(RECORD, outcome="succeeded")
    assert seed_due("deployment", [done], 0.0)
    assert seed_due("environment", [], 0.0)
    assert seed_due("environment", [RECORD, failed], 0.0), "it failed half-way"
    assert not seed_due("environment", [RECORD, done, RECORD, failed], 0.0), "asked again, and failed"
    assert seed_due("environment", [done], 11.0), "destroyed since"


def test_the_newest_record_counts() -> None:
    done = replace(RECORD, outcome="succeeded", at=12.0)
    assert newest([RECORD, done], "seed", 0.0) == done
    assert newest([RECORD], "seed", 10.0) is None
    assert succeeded([RECORD, done], "seed", 0.0)
    failed = replace(RECORD, step="ports", outcome="failed")
    assert unfinished([failed, RECORD], 0.0) == failed, "a seed also runs without a launch"
    assert unfinished([failed, replace(failed, outcome="succeeded")], 0.0) is None
    assert unfinished([failed], 10.0) is None


def test_where_a_name_leads() -> None:
    assert name_problem("a.example", ["10.0.0.1"], ["10.0.0.1", "10.0.0.2"]) == ""
    assert name_problem("a.example", [], ["10.0.0.1"]) == "a.example doesn't resolve"
    assert name_problem("a.example", ["10.0.0.1", "10.9.9.9"], ["10.0.0.1"]) == (
        "a.example resolves to 10.9.9.9, not to 10.0.0.1"
    )
    assert "a known address" in name_problem("a.example", ["10.9.9.9"], [])


def test_what_is_created_is_told_with_its_names() -> None:
    found = {(item.kind, item.name) for item in created(PLAN, STAGING)}
    assert ("accessory", "shop_staging_db") in found
    assert ("volume", "shop_staging_db") in found
    assert ("route", STAGING.url) in found
    assert not [item for item in created(PLAN, STAGING) if item.kind == "certificate"]
    secure = Environment("live", "https://shop.example", tls=Tls(acme="ops@shop.example"))
    assert ["certificate", "shop.example", "local", "from ACME"] in rows(created(PLAN, secure))


def test_a_commit_can_not_replace_a_scenario() -> None:
    scenario = Scenario("pin", "backend", "./pin", "write")
    where = replace(STAGING, launch=Launch(("pin",)))
    protected = replace(PLAN, environments={"staging": where}, prove=Proving(exercise={"pin": scenario}))
    in_force = InForce("staging", RuleSet("main", "protected", "staging", protected))
    empty = replace(scenario, run="true")
    commit = replace(protected, prove=Proving(exercise={"pin": empty}))
    assert required_scenarios(commit, where, in_force) == [empty, scenario]
    assert required_scenarios(protected, where, in_force) == [scenario]
    assert required_scenarios(PLAN, STAGING, in_force) == [scenario], "it can't leave it out either"
    assert keys_of(commit, "staging")["launch"] != keys_of(protected, "staging")["launch"]


def test_the_rules_in_force_can_only_ask_for_more() -> None:
    protected = replace(STAGING, launch=Launch(load=Load(rate=50.0), index=False))
    plan = replace(PLAN, environments={"staging": protected})
    in_force = InForce("staging", RuleSet("main", "protected", "staging", plan))
    own = replace(STAGING, launch=Launch())
    assert launch_rules(own, in_force) == [protected.launch, own.launch]
    assert launch_rules(protected, in_force) == [protected.launch]
    assert launch_rules(own, None) == [own.launch]
