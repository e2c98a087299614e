"""The steps of a launch for infrastructure, records and the first backup."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shipway.actions.launches import provision
from shipway.actions.launches.launching import Launching, LaunchRequest
from shipway.actions.launches.provision import FirstBackup, Infrastructure, Records
from shipway.actions.launches.steps import steps_of
from shipway.actions.provisioning.dns import apply_dns, plan_dns
from shipway.actions.provisioning.infra import apply_infra, plan_infra
from shipway.context import Context
from shipway.domain.dns import record_set
from shipway.domain.errors import DnsError, TimedOut, UsageError
from tests.unit.actions.backups.test_take import Shop
from tests.unit.actions.provisioning.place import PLAN, ZONE, Place, by_ssh

ADDRESSED = PLAN.replace("zone: shop.example,", "zone: shop.example, addresses: [192.0.2.7],")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    by_ssh(tmp_path, monkeypatch)
    made = Place(tmp_path, ADDRESSED)
    yield made
    made.world.close()


def launching(place: Place) -> Launching:
    of = place.governed()
    request = SimpleNamespace(plan=of.plan, environment="production", governed=place.governed)
    return Launching(of.ctx, cast(LaunchRequest, request))


def of_backups(ctx: Context, shop: Shop) -> FirstBackup:
    plan = shop.world.release(1, "0001", shop.place).plan
    return FirstBackup(Launching(ctx, cast(LaunchRequest, SimpleNamespace(plan=plan, environment=shop.place.name))))


def test_they_come_before_what_needs_them(place: Place) -> None:
    names = [step.name for step in steps_of(launching(place))]
    assert names.index("infrastructure") < names.index("secrets") < names.index("hosts")  # it gives both
    assert names.index("secrets") < names.index("records") < names.index("names") < names.index("deployment")
    assert names.index("system test") < names.index("backup") < names.index("open")


def test_infrastructure_waits_for_the_approval_of_its_plan(place: Place) -> None:
    step = Infrastructure(launching(place))
    assert step.needed() == "it was never applied"
    with pytest.raises(UsageError, match=r"waits for approval:\n\+ server\.web") as caught:
        step.run()
    assert place.infra.state == {}
    digest = caught.value.hint.split("apply ")[1].split(";")[0]
    apply_infra(place.governed(), digest)
    assert Infrastructure(launching(place)).needed() == ""


def test_after_a_destroy_it_is_needed_again(place: Place) -> None:
    apply_infra(place.governed(), plan_infra(place.governed()).digest)
    apply_infra(place.governed(), plan_infra(place.governed(), destroy=True).digest, confirmed="production")
    step = Infrastructure(launching(place))
    assert step.needed() == "it was destroyed"
    with pytest.raises(UsageError, match=r"waits for approval:\n\+ server\.web"):
        step.run()


def test_new_outputs_alone_wait_for_approval_too(place: Place) -> None:
    apply_infra(place.governed(), plan_infra(place.governed()).digest)
    del place.infra.outputs_now["database_url"]  # applied when the code had less
    with pytest.raises(UsageError, match="waits for approval:\noutputs only"):
        Infrastructure(launching(place)).run()


def test_records_are_added_and_then_there_is_nothing_to_do(place: Place) -> None:
    step = Records(launching(place))
    assert "www.shop.example" in step.needed()
    assert step.run() == "4 changes in shop.example"
    assert Records(launching(place)).needed() == ""


def test_the_zone_is_read_once_unless_its_records_were_changed_meanwhile(place: Place) -> None:
    step = Records(launching(place))
    step.needed()
    step.run()
    stages = 2  # before each of which the provider itself reads the zone
    assert place.dns.calls.count(f"records {ZONE}") == 1 + stages
    apply_dns(place.governed(), plan_dns(place.governed(), remove=True).digest, remove=True)
    step = Records(launching(place))
    step.needed()
    apply_dns(place.governed(), plan_dns(place.governed()).digest)
    with pytest.raises(DnsError, match="the zone or the plan was changed since"):
        step.run()


def test_records_of_someone_else_need_a_person(place: Place) -> None:
    place.dns.zones[ZONE]["www." + ZONE, "A"] = record_set("www." + ZONE, "A", 300, ["192.0.2.1"])
    step = Records(launching(place))
    assert "someone else made it" in step.needed()
    with pytest.raises(UsageError, match=r"someone else's: .*www\.shop\.example") as caught:
        step.run()
    assert "--adopt NAME" in caught.value.hint
    assert (ZONE, "A") not in place.dns.zones[ZONE]


def test_a_server_that_does_not_show_the_records(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.dns.silent = {"1.1.1.1"}
    seen = provision.dns.wait_until_seen
    monkeypatch.setattr(provision.dns, "wait_until_seen", lambda *args: seen(*args, seconds=0.1, pause=0.05))
    with pytest.raises(TimedOut, match="name servers still differ"):
        Records(launching(place)).run()
    place.dns.silent = set()
    assert Records(launching(place)).needed() == ""  # the next launch goes on


def test_the_first_backup(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    step = of_backups(shop.controller(), shop)
    assert step.needed() == "there is no verified one"
    name = step.run()
    assert [item.name for item in shop.world.ledger.backups("shop", "staging") if item.good] == [name]
    assert of_backups(shop.controller(), shop).needed() == ""
    shop.world.close()
