"""DNS providers: in memory, PowerDNS and BIND as real servers, Cloudflare by a stand-in, Route 53 by moto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shipway.domain.dns import record_set
from shipway.domain.errors import DnsError, UsageError
from shipway.drivers.dns.octodns import OctoDns
from shipway.drivers.lookup.dns import DnsQueries, split
from shipway.ports import DnsLookup, DnsProvider
from shipway.testing.dns import ZONE, DnsSuite
from shipway.testing.memory_dns import MemoryDns
from tests.conformance import dns_lab
from tests.conformance.cloudflare import Cloudflare
from tests.conformance.dns_lab import API_KEY, TSIG, Server

pytestmark = pytest.mark.counterpart


class Fixtures:
    @pytest.fixture
    def settled(self) -> Callable[[Callable[[], bool]], bool]:
        return dns_lab.settled

    @pytest.fixture
    def lookup(self) -> DnsLookup:
        return DnsQueries()


@pytest.fixture(scope="module")
def powerdns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with dns_lab.powerdns(tmp_path_factory.mktemp("pdns")) as found:
        yield found


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with dns_lab.bind(tmp_path_factory.mktemp("bind")) as found:
        yield found


def memory() -> MemoryDns:
    return MemoryDns({ZONE: [
        record_set("www." + ZONE, "A", 600, ["192.0.2.1"]),
        record_set(ZONE, "MX", 3600, ["10 mail.example.net."]),
        record_set(ZONE, "TXT", 3600, ["v=spf1 -all; not ours"]),
    ]})  # fmt: skip


class TestMemory(Fixtures, DnsSuite):
    @pytest.fixture
    def provider(self) -> DnsProvider:
        return memory()

    @pytest.fixture
    def refused(self) -> DnsProvider:
        return memory().open("wrong")

    @pytest.fixture
    def silent(self) -> DnsProvider:
        return MemoryDns({})

    @pytest.fixture
    def server(self) -> str:
        return "192.0.2.53"

    @pytest.fixture
    def lookup(self, provider: MemoryDns) -> DnsLookup:
        return provider


class TestPowerDns(Fixtures, DnsSuite):
    @pytest.fixture
    def provider(self, powerdns: Server) -> DnsProvider:
        return OctoDns("powerdns", powerdns.options, {"api_key": API_KEY})

    @pytest.fixture
    def refused(self, powerdns: Server) -> DnsProvider:
        return OctoDns("powerdns", powerdns.options, {"api_key": "wrong"})

    @pytest.fixture
    def silent(self) -> Iterator[DnsProvider]:
        with dns_lab.silent_server() as port:
            yield OctoDns("powerdns", {"host": "127.0.0.1", "port": str(port), "timeout": "1"}, {"api_key": API_KEY})

    @pytest.fixture
    def server(self, powerdns: Server) -> str:
        return powerdns.address


class TestBind(Fixtures, DnsSuite):
    @pytest.fixture
    def provider(self, bind: Server) -> DnsProvider:
        return OctoDns("rfc2136", bind.options, {"key_secret": TSIG})

    @pytest.fixture
    def refused(self, bind: Server) -> DnsProvider:
        return OctoDns("rfc2136", bind.options, {"key_secret": "d3Jvbmc="})

    @pytest.fixture
    def silent(self, bind: Server) -> Iterator[DnsProvider]:
        with dns_lab.silent_server() as port:
            options = {**bind.options, "port": str(port), "timeout": "1"}
            yield OctoDns("rfc2136", options, {"key_secret": TSIG})

    @pytest.fixture
    def server(self, bind: Server) -> str:
        return bind.address


class TestRoute53(Fixtures, DnsSuite):
    """Against moto, in this process: no real account was used."""

    @pytest.fixture
    def account(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        import boto3
        from moto import mock_aws

        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # moto answers a question for health checks without a key that AWS has; there are none here.
        monkeypatch.setattr("octodns_route53.Route53Provider.health_checks", {})
        with mock_aws():
            client = boto3.client("route53", aws_access_key_id="key", aws_secret_access_key="secret")
            zone = client.create_hosted_zone(Name=f"{ZONE}.", CallerReference="test")["HostedZone"]["Id"]
            records = [("www." + ZONE, "A", "192.0.2.1", 600), (ZONE, "MX", "10 mail.example.net.", 3600)]
            made = [
                {"Action": "CREATE", "ResourceRecordSet": {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": text}]}}
                for name, kind, text, ttl in [*records, (ZONE, "TXT", '"v=spf1 -all; not ours"', 3600)]
            ]  # fmt: skip
            client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": made})
            yield

    @pytest.fixture
    def provider(self, account: None) -> DnsProvider:
        return OctoDns("route53", {}, {"access_key_id": "key", "secret_access_key": "secret"})

    @pytest.fixture
    def refused(self, account: None) -> DnsProvider:
        pytest.skip("moto takes any key")

    @pytest.fixture
    def silent(self) -> Iterator[DnsProvider]:
        with dns_lab.silent_server() as port, pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            secrets = {"access_key_id": "key", "secret_access_key": "secret"}
            yield OctoDns("route53", {"client_max_attempts": "1"}, secrets)

    @pytest.fixture
    def server(self) -> None:
        return None


class TestCloudflare(Fixtures, DnsSuite):
    """Against a stand-in that was written from the provider's documentation: no real account was used."""

    @pytest.fixture
    def account(self) -> Iterator[Cloudflare]:
        with Cloudflare(ZONE).running() as found:
            found.add("www." + ZONE, "A", "192.0.2.1", 600)
            found.add(ZONE, "MX", "mail.example.net", 3600, priority=10)
            found.add(ZONE, "TXT", '"v=spf1 -all; not ours"', 3600)
            yield found

    @pytest.fixture
    def provider(self, account: Cloudflare) -> DnsProvider:
        return OctoDns("cloudflare", {"api_url": account.url}, {"token": account.token})

    @pytest.fixture
    def refused(self, account: Cloudflare) -> DnsProvider:
        return OctoDns("cloudflare", {"api_url": account.url}, {"token": "wrong"})

    @pytest.fixture
    def silent(self) -> Iterator[DnsProvider]:
        with dns_lab.silent_server() as port:
            yield OctoDns("cloudflare", {"api_url": f"http://127.0.0.1:{port}", "timeout": "1"}, {"token": "any"})

    @pytest.fixture
    def server(self) -> None:
        return None

    def test_too_many_requests_are_waited_for(self, account: Cloudflare) -> None:
        provider = OctoDns("cloudflare", {"api_url": account.url, "retry_period": "1"}, {"token": account.token})
        account.busy = 2
        assert provider.records(ZONE)
        account.busy = 1000
        with pytest.raises(DnsError, match="rate limit"):
            OctoDns("cloudflare", {"api_url": account.url, "retry_period": "1"}, {"token": account.token}).records(ZONE)


@pytest.mark.parametrize(
    ("name", "options", "secrets", "message"),
    [
        ("powerdns", {"host": "a"}, {}, "needs api_key"),
        ("powerdns", {"host": "a", "nosuch": "1"}, {"api_key": "k"}, "doesn't take these arguments"),
        ("octodns_nosuch.Provider", {}, {}, "is not installed"),
        ("octodns_powerdns.Nosuch", {}, {}, "has no provider Nosuch"),
        ("os.system", {}, {}, "no DNS provider os.system"),
    ],
)
def test_settings_that_fit_no_provider(name: str, options: Any, secrets: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        OctoDns(name, options, secrets)


def test_options_are_typed_and_secrets_are_texts() -> None:
    provider = OctoDns("powerdns", {"host": "a", "port": "8081", "ssl_verify": "false"}, {"api_key": "012345678"})
    assert provider._arguments == {"host": "a", "port": 8081, "ssl_verify": False, "api_key": "012345678"}


def test_addresses_of_servers() -> None:
    assert [split(item) for item in ("192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353")] == [
        ("192.0.2.1", 53), ("192.0.2.1", 5353), ("2001:db8::1", 53), ("2001:db8::1", 5353),
    ]  # fmt: skip


def test_a_resolver_that_never_answers_is_reported() -> None:
    with dns_lab.silent_server() as port:
        seen = DnsQueries().ask(f"127.0.0.1:{port}", "resolver", "www." + ZONE, "A")
    assert seen.values is None
    assert "no answer" in seen.problem
