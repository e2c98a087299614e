"""Which limits are looser than others."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.domain import rights, rules
from shipway.domain.container import LABEL_CONFIG
from shipway.domain.desired import Settings, render_desired
from shipway.domain.plan import Plan, Security, Service, Step, StepImage
from shipway.drivers.accessories import KINDS
from tests.unit.domain import samples


@pytest.mark.parametrize(
    ("mine", "theirs", "looser"),
    [
        (Security(), Security(), []),
        (Security(pids=10), Security(), []),
        (Security(pids=5000), Security(), ["pids"]),
        (Security(no_new_privileges=False), Security(), ["no-new-privileges"]),
        (Security(), Security(no_new_privileges=False), []),
        (Security(capabilities=("KILL", "SYSLOG")), Security(capabilities=("KILL",)), ["capabilities"]),
        (Security(False, 9999, ("KILL",)), Security(), ["no-new-privileges", "pids", "capabilities"]),
    ],
)
def test_looser(mine: Security, theirs: Security, looser: list[str]) -> None:
    assert mine.looser_than(theirs) == looser


def test_the_defaults_replace_nothing_that_runs_and_a_change_does() -> None:
    release = samples.release(1)
    given = Settings("v1", {"KEY": "k", "ADMIN": "a"}, {"KEY": 1}, kinds=KINDS)
    before = [spec.labels[LABEL_CONFIG] for spec in render_desired(release, samples.STAGING, given).web]
    name, service = next(iter(release.plan.services.items()))
    changed = dataclasses.replace(service, security=Security(pids=99))
    plan = dataclasses.replace(release.plan, services={**release.plan.services, name: changed})
    after = [
        spec.labels[LABEL_CONFIG]
        for spec in render_desired(dataclasses.replace(release, plan=plan), samples.STAGING, given).web
    ]
    assert len(set(after) - set(before)) == 1


def plan_with(**steps: Security) -> Plan:
    made = {name: Step(name, "x", StepImage("alpine:3"), security=security) for name, security in steps.items()}
    return Plan("shop", {"web": Service("web", image="x:1", security=Security(pids=9000))}, pipeline=made)


def test_a_steps_rights_are_those_of_the_protected_plan_or_less() -> None:
    protected = plan_with(unit=Security(False, 8000))
    assert rights.of_steps(plan_with(unit=Security(False, 8000)), protected) == []
    assert rights.of_steps(plan_with(unit=Security(pids=7000)), protected) == []
    assert rights.of_steps(plan_with(unit=Security(), other=Security(pids=10)), None) == []
    asked = plan_with(unit=Security(False, 8001, ("SYS_PTRACE",)), other=Security(False))
    assert rights.of_steps(asked, protected) == [
        "step unit: pids: 8001", "step unit: capabilities: SYS_PTRACE", "step other: no-new-privileges: false"
    ]  # fmt: skip
    assert "step unit: no-new-privileges: false" in rights.of_steps(asked, None)


def test_a_services_rights_are_a_reach() -> None:
    environment = samples.STAGING
    assert rules.REACH["security"](plan_with(), environment) == ["web pids: 9000"]
    assert rules.REACH["security"](samples.PLAN, environment) == []


def test_a_part_of_what_is_allowed_is_allowed() -> None:
    def shop(*capabilities: str) -> Plan:
        web = Service("web", image="x:1", security=Security(capabilities=capabilities))
        return Plan("shop", {"web": web}, environments={"staging": samples.STAGING})

    given = rules.InForce("staging", rules.RuleSet("main", "protected", "staging", shop("KILL", "SYSLOG")))
    assert rules.refused_reach(shop("KILL"), given) == []
    assert rules.refused_reach(shop("KILL", "SYS_PTRACE"), given) == [
        "security web capabilities: SYS_PTRACE: not in the rules in force"
    ]
