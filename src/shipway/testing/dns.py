"""The conformance suite of DNS providers. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shipway.domain.dns import RecordChange, changes, record_set
from shipway.domain.errors import DnsError
from shipway.ports import DnsLookup, DnsProvider

ZONE = "shop.example"
OWNER = "0a1b2c3d/shop/production"


class DnsSuite:
    """Fixtures: `provider` has the zone ZONE with an MX and a TXT record at its own name, and `www` A 192.0.2.1 with a TTL of
    600; `refused` is the same with a wrong key; `silent` has a server that never answers; `lookup` and `server` ask the
    provider's server (server None: it has none that can be asked)."""

    shortest = 60  # seconds of a TTL that the provider takes

    def test_a_zone_is_read(self, provider: DnsProvider) -> None:
        found = {item.key: item for item in provider.records(ZONE)}
        assert found["www." + ZONE, "A"] == record_set("www." + ZONE, "A", 600, ["192.0.2.1"])
        assert (ZONE, "MX") in found
        assert found[ZONE, "TXT"].values == ("v=spf1 -all; not ours",)

    def test_a_zone_that_is_not_ours(self, provider: DnsProvider) -> None:
        with pytest.raises(DnsError, match="other\\.example"):
            provider.records("other.example")
        with pytest.raises(DnsError, match="other\\.example"):
            provider.apply("other.example", [_create("other.example", "A", ["192.0.2.9"])])
        with pytest.raises(DnsError):
            provider.records("other.example")

    def test_records_of_all_kinds_come_back_and_leave_again(self, provider: DnsProvider) -> None:
        before = set(provider.records(ZONE))
        new = [
            record_set("app." + ZONE, "A", 300, ["192.0.2.7", "192.0.2.8"]),
            record_set("app." + ZONE, "AAAA", 300, ["2001:db8::7"]),
            record_set("*.pre." + ZONE, "A", 300, ["192.0.2.9"]),
            record_set("cdn." + ZONE, "CNAME", 300, ["lb.example.net"]),
            record_set("_shipway.app." + ZONE, "TXT", 300, [f"heritage=shipway,owner={OWNER},records=A+AAAA"]),
        ]
        provider.apply(ZONE, [RecordChange(None, item, "test") for item in new])
        assert set(provider.records(ZONE)) == before | set(new)
        other = record_set("app." + ZONE, "A", self.shortest, ["192.0.2.10"])
        provider.apply(ZONE, [RecordChange(new[0], other, "test")])
        assert {item.key: item for item in provider.records(ZONE)}["app." + ZONE, "A"] == other
        provider.apply(ZONE, [RecordChange(item, None, "test") for item in [other, *new[1:]]])
        assert set(provider.records(ZONE)) == before

    def test_an_address_becomes_a_name_in_one_change(self, provider: DnsProvider) -> None:
        old = record_set("move." + ZONE, "A", 300, ["192.0.2.7"])
        provider.apply(ZONE, [RecordChange(None, old, "test")])
        new = record_set("move." + ZONE, "CNAME", 300, ["lb.example.net"])
        provider.apply(ZONE, [RecordChange(old, None, "test"), RecordChange(None, new, "test")])
        found = [item for item in provider.records(ZONE) if item.name == "move." + ZONE]
        assert found == [new]
        provider.apply(ZONE, [RecordChange(new, None, "test")])

    def test_a_diff_of_the_core_is_made_and_then_there_is_none(self, provider: DnsProvider) -> None:
        desired = [
            record_set(ZONE, "A", 300, ["192.0.2.7"]),
            record_set("*." + ZONE, "A", 300, ["192.0.2.7"]),
            record_set("www." + ZONE, "A", 300, ["192.0.2.7"]),
        ]
        before = {item.key: item for item in provider.records(ZONE)}
        plan = changes(ZONE, OWNER, before.values(), desired, {})
        assert any("www." in text and "someone else" in text for text in plan.foreign)
        provider.apply(ZONE, plan.changes)
        now = provider.records(ZONE)
        assert changes(ZONE, OWNER, now, desired, {}).changes == ()
        assert before["www." + ZONE, "A"] in now, "made by someone else"
        provider.apply(ZONE, changes(ZONE, OWNER, now, [], {}).changes)
        assert {item.key: item for item in provider.records(ZONE)} == before

    def test_what_was_changed_meanwhile_is_not_overwritten(self, provider: DnsProvider) -> None:
        with pytest.raises(DnsError, match="meanwhile"):
            provider.apply(ZONE, [_create("www." + ZONE, "A", ["192.0.2.9"])])
        gone = record_set("gone." + ZONE, "A", 300, ["192.0.2.9"])
        with pytest.raises(DnsError, match="meanwhile"):
            provider.apply(ZONE, [RecordChange(gone, None, "test")])

    def test_a_wrong_key_is_refused(self, refused: DnsProvider) -> None:
        with pytest.raises(DnsError) as caught:
            refused.records(ZONE)
        assert "key" in caught.value.hint or "key" in caught.value.message

    def test_a_server_that_never_answers_ends_the_call(self, silent: DnsProvider) -> None:
        with pytest.raises(DnsError):
            silent.records(ZONE)

    def test_the_server_answers_what_was_applied(
        self,
        provider: DnsProvider,
        lookup: DnsLookup,
        server: str | None,
        settled: Callable[[Callable[[], bool]], bool],
    ) -> None:
        if server is None:
            pytest.skip("the provider has no server that can be asked here")
        item = record_set("seen." + ZONE, "A", 300, ["192.0.2.7"])
        wild = record_set("*.seen." + ZONE, "A", 300, ["192.0.2.8"])
        provider.apply(ZONE, [RecordChange(None, item, "test"), RecordChange(None, wild, "test")])
        assert settled(lambda: lookup.ask(server, "authoritative", "seen." + ZONE, "A").values == ("192.0.2.7",))
        assert settled(lambda: lookup.ask(server, "authoritative", "any.seen." + ZONE, "A").values == ("192.0.2.8",))
        provider.apply(ZONE, [RecordChange(item, None, "test"), RecordChange(wild, None, "test")])
        assert settled(lambda: lookup.ask(server, "authoritative", "seen." + ZONE, "A").values == ())


def _create(name: str, kind: str, values: list[str]) -> RecordChange:
    return RecordChange(None, record_set(name, kind, 300, values), "test")
