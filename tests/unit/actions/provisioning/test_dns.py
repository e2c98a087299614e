"""`shipway dns`: what counts is the protected branch; what was shown is applied; nothing of others is touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.projects.in_force import read_rules
from shipway.actions.provisioning.dns import apply_dns, plan_dns, unfinished, wait_until_seen
from shipway.actions.upkeep.left_outside import has_records
from shipway.app import plan_parser
from shipway.domain.dns import record_set
from shipway.domain.errors import DnsError, GateRefused, PlanError, SecretError, UsageError
from shipway.domain.host_location import HostLocation
from shipway.domain.provision import FAILED, SUCCEEDED
from shipway.domain.registration import STAND_IN, AcceptedRules
from tests.unit.actions.provisioning.place import PLAN, ZONE, Place, by_ssh
from tests.unit.system.repositories import ADA, git

ADDRESSED = PLAN.replace("zone: shop.example,", "zone: shop.example, addresses: [192.0.2.7],")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    by_ssh(tmp_path, monkeypatch)
    made = Place(tmp_path, ADDRESSED)
    yield made
    made.world.close()


def test_what_was_shown_is_applied_and_recorded(place: Place) -> None:
    of = place.governed()
    plan = plan_dns(of)
    assert [item.record.name for item in plan.changes] == [
        "shop.example", "www.shop.example", "_shipway.shop.example", "_shipway.www.shop.example",
    ]  # fmt: skip
    assert place.sent == {"dns.shop.example": "value-of-DNS_KEY"}
    apply_dns(of, plan.short_digest)
    assert plan_dns(place.governed()).changes == ()
    (record,) = place.world.ledger.provisions("shop", "production", "dns")
    assert (record.digest, record.outcome, record.detail) == (plan.digest, SUCCEEDED, plan.text)
    assert wait_until_seen(of, plan.desired, seconds=0) == []
    assert "value-of-DNS_KEY" not in str(record)


def test_remove_takes_all_that_was_made_and_nothing_else(place: Place) -> None:
    before = dict(place.dns.zones[ZONE])
    assert plan_dns(place.governed(), remove=True).changes == ()
    apply_dns(place.governed(), plan_dns(place.governed()).digest)
    assert has_records(place.context(), "shop", "production")
    plan = plan_dns(place.governed(), remove=True)
    assert len(plan.changes) == 4
    assert all(item.after is None for item in plan.changes)
    with pytest.raises(DnsError, match="the changes are not those of") as caught:
        apply_dns(place.governed(), plan.digest)
    assert place.dns.zones[ZONE] != before
    assert caught.value.hint == "look at the changes again: shipway dns production"
    apply_dns(place.governed(), plan.digest, remove=True)
    assert place.dns.zones[ZONE] == before
    assert place.world.ledger.provisions("shop", "production", "dns")[0].action == "destroy"
    assert not has_records(place.context(), "shop", "production")


def test_remove_needs_no_addresses(place: Place) -> None:
    """Those of destroyed infrastructure are no longer known."""
    apply_dns(place.governed(), plan_dns(place.governed()).digest)
    place.push({"shipway.yaml": PLAN})
    with pytest.raises(UsageError, match="addresses of the hosts are not known"):
        plan_dns(place.governed())
    plan = plan_dns(place.governed(), remove=True)
    apply_dns(place.governed(), plan.digest, remove=True)
    assert not has_records(place.context(), "shop", "production")


def test_a_death_during_a_removal_is_completed_by_the_next(place: Place) -> None:
    before = dict(place.dns.zones[ZONE])
    apply_dns(place.governed(), plan_dns(place.governed()).digest)
    for dies_at in range(2):
        place.dns.dies_at = dies_at
        with pytest.raises(KeyboardInterrupt):
            apply_dns(place.governed(), plan_dns(place.governed(), remove=True).digest, remove=True)
        assert has_records(place.context(), "shop", "production")
    apply_dns(place.governed(), plan_dns(place.governed(), remove=True).digest, remove=True)
    assert place.dns.zones[ZONE] == before


def test_a_zone_that_changed_since_is_not_touched(place: Place) -> None:
    plan = plan_dns(place.governed())
    place.dns.zones[ZONE]["www." + ZONE, "A"] = record_set("www." + ZONE, "A", 300, ["192.0.2.1"])
    before = dict(place.dns.zones[ZONE])
    with pytest.raises(DnsError, match="the changes are not those of") as caught:
        apply_dns(place.governed(), plan.digest)
    assert "shipway dns production" in caught.value.hint
    assert place.dns.zones[ZONE] == before
    other = plan_dns(place.governed())
    assert len(other.foreign) == 1
    apply_dns(place.governed(), other.digest)
    assert place.dns.zones[ZONE]["www." + ZONE, "A"].values == ("192.0.2.1",)


def test_a_feature_branch_sends_no_key_elsewhere(place: Place) -> None:
    """Neither pushed nor in the folder where the operator runs the command."""
    other = ADDRESSED.replace("dns.shop.example", "evil.example").replace("192.0.2.7", "192.0.2.66")
    place.push({"shipway.yaml": other}, branch="feature")
    plan = plan_dns(place.governed())
    assert set(place.sent) == {"dns.shop.example"}
    assert "192.0.2.66" not in plan.text
    assert "the plan of this folder has other dns" in "\n".join(place.world.notes)


def test_an_environment_that_only_a_feature_branch_has_is_refused(place: Place) -> None:
    from shipway.actions.provisioning.in_force import governed

    place.push({"shipway.yaml": ADDRESSED.replace("production:", "preview:")}, branch="feature")
    ctx = place.context()
    with pytest.raises(GateRefused, match="has no environment preview"):
        governed(ctx, place.known(ctx), plan_parser(ctx), "preview")
    assert place.sent == {}


@pytest.mark.parametrize("stands_in", [False, True])
def test_while_the_protected_branch_has_no_plan_nothing_stands_in_for_it(place: Place, stands_in: bool) -> None:
    """Neither the plan of the folder where the operator runs the command, nor the first one that was registered."""
    git(place.work, "rm", "--quiet", "shipway.yaml")
    place.push({"README": "no plan yet"})
    place.push({"shipway.yaml": ADDRESSED.replace("dns.shop.example", "evil.example")}, branch="feature")
    ctx = place.context()
    if stands_in:
        plan = place.known(ctx).any_plan()
        ctx.ledger.accept_rules(AcceptedRules("shop", STAND_IN, plan, (), "Eve", "the first plan", 2.0))
    with pytest.raises(
        GateRefused, match=r"branch main of ssh://.* has no shipway\.yaml|main has no shipway\.yaml"
    ) as caught:
        plan_dns(place.governed())
    assert "merge the plan to main" in caught.value.hint
    assert place.sent == {}
    mark = read_rules(ctx, place.known(ctx).ctx.repository(), place.known(ctx).any_plan(), plan_parser(ctx)).written(
        ctx, "production"
    )
    accepted = AcceptedRules(
        "shop", "production", place.known(ctx).any_plan(), (mark.protected.mark,), ADA, "known", 3.0
    )
    ctx.ledger.accept_rules(accepted)
    assert place.governed().source == f"accepted by {ADA}: known"


def test_an_app_that_is_not_registered_has_the_plan_of_the_protected_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_ssh(tmp_path, monkeypatch)
    place = Place(tmp_path, ADDRESSED, registered=False)
    place.push({"shipway.yaml": ADDRESSED.replace("dns.shop.example", "evil.example")}, branch="feature")
    plan_dns(place.governed())
    assert set(place.sent) == {"dns.shop.example"}
    assert place.world.ledger.registration("shop") is None
    git(place.work, "switch", "--quiet", "main")
    git(place.work, "rm", "--quiet", "shipway.yaml")
    place.push({"README": "no plan"})
    git(place.work, "switch", "--quiet", "feature")
    with pytest.raises(GateRefused, match=r"has no shipway\.yaml"):
        place.governed()
    assert place.world.ledger.accepted_rules("shop", STAND_IN) == []
    place.world.close()


def test_a_death_after_any_change_is_completed_by_the_next(place: Place) -> None:
    whole = plan_dns(place.governed())
    for dies_at in range(2):
        place.dns.dies_at = dies_at
        with pytest.raises(KeyboardInterrupt):
            apply_dns(place.governed(), plan_dns(place.governed()).digest)
        (record, *_) = place.world.ledger.provisions("shop", "production", "dns")
        assert (record.outcome, "interrupted" in record.message) == (FAILED, True)
    apply_dns(place.governed(), plan_dns(place.governed()).digest)
    assert {item.after for item in whole.changes if item.after} < set(place.dns.zones[ZONE].values())
    assert unfinished(place.governed()) is None


def test_a_wrong_key_a_missing_key_and_a_foreign_zone(place: Place) -> None:
    place.dns.given = "wrong"
    with pytest.raises(DnsError, match="refuses the key"):
        plan_dns(place.governed())
    place.dns.given = place.dns.key
    place.dns.zones.clear()
    with pytest.raises(DnsError, match=r"no zone shop\.example"):
        plan_dns(place.governed())
    place.world.secrets(place.world.ledger).remove("shop/production", "DNS_KEY")
    with pytest.raises(SecretError, match="needs DNS_KEY, which is not set") as caught:
        plan_dns(place.governed())
    assert caught.value.hint == "shipway secret set production DNS_KEY"


def test_a_server_that_never_answers_and_one_that_is_late_are_told(place: Place) -> None:
    of = place.governed()
    plan = plan_dns(of)
    apply_dns(of, plan.digest)
    old = record_set("www." + ZONE, "A", 40, ["192.0.2.1"])
    place.dns.silent, place.dns.stale = {"1.1.1.1"}, {"8.8.8.8": {old.key: old, (ZONE, "A"): plan.desired[0]}}
    late = wait_until_seen(of, plan.desired, seconds=0.2, pause=0.05)
    told = {(seen.server, seen.name, seen.values, seen.ttl) for seen, _ in late}
    assert told == {
        ("1.1.1.1", "www." + ZONE, None, 0), ("1.1.1.1", ZONE, None, 0), ("8.8.8.8", "www." + ZONE, ("192.0.2.1",), 40),
    }  # fmt: skip


def test_a_lower_ttl_has_a_digest_of_its_own(place: Place) -> None:
    apply_dns(place.governed(), plan_dns(place.governed()).digest)
    lower = plan_dns(place.governed(), ttl=60.0)
    assert {item.after.ttl for item in lower.changes if item.after} == {60}
    with pytest.raises(DnsError, match="not those of"):
        apply_dns(place.governed(), lower.digest)
    apply_dns(place.governed(), lower.digest, ttl=60.0)
    assert place.dns.zones[ZONE]["www." + ZONE, "A"].ttl == 60


def test_without_dns_or_addresses(place: Place) -> None:
    place.push({"shipway.yaml": PLAN})
    with pytest.raises(UsageError, match="public addresses of the hosts are not known"):
        plan_dns(place.governed())
    without = "\n".join(line for line in PLAN.splitlines() if "dns:" not in line)
    place.push({"shipway.yaml": without})
    with pytest.raises(PlanError, match="has no `dns` for production"):
        plan_dns(place.governed())


LISTED = "\n".join(line for line in PLAN.splitlines() if "infra" not in line)


@pytest.fixture
def two(place: Place, monkeypatch: pytest.MonkeyPatch) -> dict[str, HostLocation]:
    """Two hosts whose addresses only ssh's configuration knows, and none other."""
    plan = LISTED.partition("      tool:")[0] + "    hosts: [ssh://web1, ssh://deploy@192.0.2.8]\n"
    place.push({"shipway.yaml": plan})
    places = {"ssh://web1": HostLocation("192.0.2.7")}
    context = place.context
    monkeypatch.setattr(place, "context", lambda: dataclasses.replace(context(), locate=places.__getitem__))
    return places


def test_records_lead_to_hosts_that_only_ssh_knows(place: Place, two: dict[str, HostLocation]) -> None:
    assert "shop.example 300s A 192.0.2.7, 192.0.2.8" in plan_dns(place.governed()).text


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (
            HostLocation("10.0.0.9", 22, "the jump host gate"),
            "through the jump host gate, so 10.0.0.9 may be no public",
        ),
        (HostLocation("web1.shop.example"), "ssh://web1: web1.shop.example is a name, not an IP address"),
    ],
)
def test_no_host_is_left_out_of_the_records(
    place: Place, two: dict[str, HostLocation], at: HostLocation, why: str
) -> None:
    two["ssh://web1"] = at
    with pytest.raises(UsageError, match="addresses of the hosts are not known") as caught:
        plan_dns(place.governed())
    assert why in caught.value.message
    assert "dns.addresses" in caught.value.hint
