"""DNS records: which an environment needs, and what is changed in a zone. Text in, text out."""

from __future__ import annotations

import json
import random

import pytest

from shipway.domain import dns
from shipway.domain.dns import RecordSet, Sighting, changes, desired_records, mark_name, record_set
from shipway.domain.errors import UsageError
from shipway.domain.provisioned import Dns
from shipway.domain.record import from_data, to_data
from shipway.domain.rules import provisioned_text

ZONE, OWNER = "shop.example", "0a1b/shop/production"
SETTINGS = Dns("powerdns", ZONE, 300.0, addresses=("192.0.2.7", "2001:DB8::7"))


def a(name: str, *values: str, ttl: int = 300) -> RecordSet:
    return record_set(name, "A", ttl, values or ["192.0.2.7"])


def mark(name: str, kinds: str = "A", owner: str = OWNER) -> RecordSet:
    return record_set(mark_name(name), "TXT", 300, [f"heritage=shipway,owner={owner},records={kinds}"])


def applied(existing: list[RecordSet], plan: dns.DnsPlan) -> list[RecordSet]:
    found = {item.key: item for item in existing}
    for change in plan.changes:
        if change.before:
            assert found.pop(change.before.key) == change.before
        if change.after:
            assert change.after.key not in found
            found[change.after.key] = change.after
    return list(found.values())


def test_names_lead_to_addresses_of_both_kinds() -> None:
    names = {"Shop.example": "url", "*.shop.example": "aliases", "myshop.example": "aliases", "other.net": "redirects"}
    found, outside = desired_records(SETTINGS, names, ["192.0.2.99"])
    assert [item.text for item in found] == [
        "shop.example 300s A 192.0.2.7",
        "shop.example 300s AAAA 2001:db8::7",
        "*.shop.example 300s A 192.0.2.7",
        "*.shop.example 300s AAAA 2001:db8::7",
    ]
    assert outside == ["myshop.example", "other.net"], "no suffix of letters is a zone"


def test_names_lead_to_a_target_but_not_that_of_the_zone() -> None:
    settings = Dns("powerdns", ZONE, 60.0, target="LB.example.net.")
    found, _ = desired_records(settings, {"www.shop.example": "url"}, [])
    assert [item.text for item in found] == ["www.shop.example 60s CNAME lb.example.net"]
    with pytest.raises(UsageError, match="the zone's own name has no CNAME"):
        desired_records(settings, {"shop.example": "url"}, [])


def test_without_an_address_nothing_is_guessed() -> None:
    hosts = ["local", "ssh://deploy@web1.shop.example:2222", "ssh://deploy@203.0.113.7", "ssh://203.0.113.8:22"]
    assert [dns.host_address(host) for host in hosts] == ["", "", "203.0.113.7", "203.0.113.8"]
    with pytest.raises(UsageError, match="public addresses of the hosts are not known") as caught:
        desired_records(Dns("powerdns", ZONE), {"shop.example": "url"}, [])
    assert "dns.addresses" in caught.value.hint


def test_what_is_made_is_marked() -> None:
    plan = changes(ZONE, OWNER, [], [a("www." + ZONE), a("*." + ZONE)], {"www." + ZONE: "url", "*." + ZONE: "aliases"})
    assert plan.text.splitlines() == [
        "+ *.shop.example 300s A 192.0.2.7 (aliases)",
        "+ www.shop.example 300s A 192.0.2.7 (url)",
        "+ _shipway-wildcard.shop.example 300s TXT heritage=shipway,owner=0a1b/shop/production,records=A (mark of the owner)",
        "+ _shipway.www.shop.example 300s TXT heritage=shipway,owner=0a1b/shop/production,records=A (mark of the owner)",
    ]
    assert changes(ZONE, OWNER, applied([], plan), list(plan.desired), {}).changes == ()


@pytest.mark.parametrize(
    "there",
    [
        a("www." + ZONE, "192.0.2.1"),
        record_set("www." + ZONE, "AAAA", 300, ["2001:db8::1"]),  # a name leads to one place
        record_set("www." + ZONE, "CNAME", 300, ["elsewhere.example"]),
        record_set("www." + ZONE, "ALIAS", 300, ["elsewhere.example"]),
        mark("www." + ZONE, owner="0a1b/shop/staging"),
        record_set(mark_name("www." + ZONE), "TXT", 300, ["a text of someone"]),
    ],
)
def test_a_record_of_someone_else_is_left_alone_and_said(there: RecordSet) -> None:
    plan = changes(ZONE, OWNER, [there], [a("www." + ZONE)], {})
    assert plan.changes == ()
    assert plan.desired == ()
    (text,) = plan.foreign
    assert there.text in text
    assert "left alone" in text


def test_the_message_names_the_environment_that_made_it() -> None:
    there = [a("www." + ZONE), mark("www." + ZONE, owner="0a1b/shop/staging")]
    (first, _) = changes(ZONE, OWNER, there, [a("www." + ZONE)], {}).foreign
    assert "made by shop/staging" in first


def test_other_records_stay_beside_ours() -> None:
    there = [record_set("www." + ZONE, "TXT", 300, ["v=spf1"]), record_set(ZONE, "MX", 300, ["10 mail.example.net."])]
    plan = changes(ZONE, OWNER, there, [a("www." + ZONE), a(ZONE)], {})
    assert plan.foreign == ()
    assert set(there) < set(applied(there, plan))
    alone = changes(ZONE, OWNER, there, [record_set("www." + ZONE, "CNAME", 300, ["lb.example.net"])], {})
    assert len(alone.foreign) == 1, "a CNAME excludes them"


def test_an_adopted_record_becomes_ours_and_only_that() -> None:
    there = [record_set("www." + ZONE, "CNAME", 300, ["old.example"]), a("api." + ZONE, "192.0.2.1")]
    plan = changes(ZONE, OWNER, there, [a("www." + ZONE), a("api." + ZONE)], {}, adopt=["www." + ZONE])
    assert plan.text.splitlines()[:2] == [
        "- www.shop.example 300s CNAME old.example (no longer needed)",
        "+ www.shop.example 300s A 192.0.2.7 ()",
    ]
    assert len(plan.foreign) == 1
    changes(ZONE, OWNER, applied(there, plan), list(plan.desired), {})


def test_what_is_no_longer_needed_goes_with_its_mark() -> None:
    there = [
        a("old." + ZONE),
        mark("old." + ZONE),
        a("kept." + ZONE, "192.0.2.1"),
        mark("kept." + ZONE, owner="0a1b/other/x"),
    ]
    plan = changes(ZONE, OWNER, there, [], {})
    assert [item.record.name for item in plan.changes] == ["old.shop.example", "_shipway.old.shop.example"]
    assert [item.after for item in plan.changes] == [None, None]


def test_a_lower_ttl_ahead_of_a_move() -> None:
    there = [a("www." + ZONE, ttl=3600), mark("www." + ZONE)]
    desired, _ = desired_records(dns.with_ttl(SETTINGS, 60.0), {"www." + ZONE: "url"}, [])
    plan = changes(ZONE, OWNER, there, desired[:1], {"www." + ZONE: "url"})
    assert plan.text == "~ www.shop.example 3600s A 192.0.2.7 → 60s 192.0.2.7 (url)"
    assert plan.slowest == 3600


def test_a_digest_is_of_exactly_these_changes() -> None:
    one, other = (changes(ZONE, OWNER, [], [a("www." + ZONE, value)], {}) for value in ("192.0.2.7", "192.0.2.8"))
    assert one.is_approved_by(one.short_digest)
    assert one.is_approved_by(one.digest)
    assert not one.is_approved_by(other.short_digest)
    assert not one.is_approved_by(one.short_digest[:6]), "too short to mean it"
    assert not one.is_approved_by("")


def test_what_servers_still_show() -> None:
    desired = [a("www." + ZONE)]
    old = Sighting("1.1.1.1", "resolver", "www." + ZONE, "A", ("192.0.2.1",), 40)
    new = Sighting("8.8.8.8", "resolver", "www." + ZONE, "A", ("192.0.2.7",), 300)
    assert not old.shows(desired[0])
    assert new.shows(desired[0])
    assert dns.probe_name("*.shop.example") == "shipway-probe.shop.example"


@pytest.mark.parametrize("seed", range(200))
def test_any_zone_is_changed_once_and_nothing_of_others(seed: int) -> None:
    """Also if the process dies after any change: the next plan makes the rest."""
    chance = random.Random(seed)
    names = [f"{label}{ZONE}" for label in ("", "www.", "api.", "*.", "a.b.")]

    def some(owner: str) -> list[RecordSet]:
        found = []
        for name in chance.sample(names, 3):
            kind, value = chance.choice(
                [("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("CNAME", "x.example"), ("TXT", "t")]
            )
            found += [record_set(name, kind, 300, [value])]
            if owner:
                found += [mark(name, kind, owner)]
        return found

    there = {item.key: item for owner in ("", "0a1b/other/x", OWNER) for item in some(owner)}
    ours = {
        key for key in there for item in there.values()
        if item.values[0].startswith(f"heritage=shipway,owner={OWNER},") and item.name == mark_name(key[0])
        and item.values[0].endswith(f"records={key[1]}")
    } | {key for key, item in there.items() if f"owner={OWNER}," in item.values[0]}  # fmt: skip
    others = {item for key, item in there.items() if key not in ours}
    desired = [a(name) for name in chance.sample(names, 3)]
    plan = changes(ZONE, OWNER, there.values(), desired, {})
    after = applied(list(there.values()), plan)
    assert others <= set(after)
    assert changes(ZONE, OWNER, after, desired, {}).changes == ()
    made = tuple(change for group in dns.stages(plan) for change in group)
    assert set(applied(list(there.values()), dns.DnsPlan(ZONE, made))) == set(after)
    for number in range(len(made)):
        half = applied(list(there.values()), dns.DnsPlan(ZONE, made[:number]))
        rest = changes(ZONE, OWNER, half, desired, {})
        assert set(applied(half, rest)) == set(after)


def test_the_ledger_keeps_what_the_rules_compare() -> None:
    """A release's plan comes from the ledger, the rules from the branch: equal settings have equal texts."""
    given = Dns("powerdns", "shop.example")
    kept = from_data(Dns, json.loads(json.dumps(to_data(given))))
    assert provisioned_text(kept) == provisioned_text(given)
