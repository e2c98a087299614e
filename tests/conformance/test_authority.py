"""Certificate authorities: in memory, and Pebble as a real ACME server, with proofs in PowerDNS and BIND."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shipway.domain.certificate import pair, placed, removed
from shipway.domain.errors import CertificateError, DnsError
from shipway.drivers.authority.acme import AcmeAuthority
from shipway.drivers.dns.octodns import OctoDns
from shipway.ports import CertificateAuthority, DnsProvider, Prove
from shipway.testing.dns import ZONE
from shipway.testing.memory_authority import MemoryAuthority
from shipway.testing.memory_dns import MemoryDns
from tests.conformance import dns_lab
from tests.conformance.dns_lab import API_KEY, TSIG
from tests.conformance.pebble import Pebble, pebble

pytestmark = pytest.mark.counterpart

NAMES = [ZONE, f"*.{ZONE}", f"*.pre.{ZONE}"]
CHALLENGE = f"_acme-challenge.{ZONE}"


def proving(provider: DnsProvider, texts: dict[str, list[str]]) -> Prove:
    """Places them, and tells which."""

    def prove(wanted: Mapping[str, Sequence[str]]) -> None:
        texts.update({name: list(found) for name, found in wanted.items()})
        provider.apply(ZONE, placed(provider.records(ZONE), wanted))

    return prove


class AuthoritySuite:
    """Fixtures: `authority` looks for its proofs where `provider` places them."""

    def test_a_wildcard_is_issued_for_a_proof_beside_texts_of_others(
        self, authority: CertificateAuthority, provider: DnsProvider
    ) -> None:
        provider.apply(ZONE, placed(provider.records(ZONE), {CHALLENGE: ["of someone else"]}))
        texts: dict[str, list[str]] = {}
        account = authority.new_account()
        bundle = authority.issue(account, NAMES, proving(provider, texts))
        found = authority.read(bundle)
        assert found is not None
        assert set(found.names) == set(NAMES)
        assert found.begins <= time.time() + 60 < found.expires
        assert (len(texts[CHALLENGE]), len(texts[f"_acme-challenge.pre.{ZONE}"])) == (2, 1)
        provider.apply(ZONE, removed(provider.records(ZONE), texts))
        left = {item.name: item.values for item in provider.records(ZONE) if "_acme" in item.name}
        assert left == {CHALLENGE: ("of someone else",)}

        again = authority.issue(account, NAMES, proving(provider, texts))
        assert pair(again)["key"] != pair(bundle)["key"], "each certificate has a key of its own"
        assert authority.read(pair(bundle)["certificate"] + pair(again)["key"]) is None
        assert authority.read("no certificate") is None

    def test_without_the_proof_nothing_is_issued(self, authority: CertificateAuthority) -> None:
        with pytest.raises(CertificateError, match="could not validate"):
            authority.issue(authority.new_account(), [f"other.{ZONE}"], lambda wanted: None)

    def test_an_error_of_the_proof_passes_through(self, authority: CertificateAuthority) -> None:
        def prove(wanted: Mapping[str, Sequence[str]]) -> None:
            raise DnsError("no such zone")

        with pytest.raises(DnsError, match="no such zone"):
            authority.issue(authority.new_account(), [f"other.{ZONE}"], prove)


class TestMemory(AuthoritySuite):
    @pytest.fixture
    def provider(self) -> DnsProvider:
        return MemoryDns({ZONE: []})

    @pytest.fixture
    def authority(self, provider: MemoryDns) -> CertificateAuthority:
        return MemoryAuthority(lambda name: provider.ask("x", "authoritative", name, "TXT").values or (), time.time)


Lab = tuple[DnsProvider, Pebble]


@pytest.fixture(scope="module")
def powerdns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("pdns")
    with dns_lab.powerdns(folder) as found, pebble(folder / "pebble", found.address) as ca:
        yield OctoDns("powerdns", found.options, {"api_key": API_KEY}), ca


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("bind")
    with dns_lab.bind(folder) as found, pebble(folder / "pebble", found.address) as ca:
        yield OctoDns("rfc2136", found.options, {"key_secret": TSIG}), ca


class Real(AuthoritySuite):
    """Fixture: `server`."""

    @pytest.fixture
    def provider(self, server: Lab) -> DnsProvider:
        return server[0]

    @pytest.fixture
    def authority(self, server: Lab) -> CertificateAuthority:
        return AcmeAuthority(server[1].directory, "ops@shop.example", server[1].trust)


class TestPebbleAndBind(Real):
    @pytest.fixture
    def server(self, bind: Lab) -> Lab:
        return bind


class TestPebbleAndPowerDns(Real):
    @pytest.fixture
    def server(self, powerdns: Lab) -> Lab:
        return powerdns

    def test_a_clock_that_is_wrong(self, server: Lab) -> None:
        late = AcmeAuthority(server[1].directory, None, server[1].trust, clock=lambda: time.time() + 90 * 86400)
        with pytest.raises(CertificateError, match="this machine's clock says") as caught:
            late.issue(late.new_account(), [ZONE], lambda wanted: pytest.fail("nothing is ordered"))
        assert "timedatectl" in caught.value.hint

    def test_a_directory_that_is_not_trusted(self, server: Lab) -> None:
        other = AcmeAuthority(server[1].directory)
        with pytest.raises(CertificateError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            other.issue(other.new_account(), [ZONE], lambda wanted: None)
        assert "tls.trust" in caught.value.hint

    def test_the_servers_show_what_was_placed(self, server: Lab) -> None:
        provider, name = server[0], f"_acme-challenge.shown.{ZONE}"
        provider.apply(ZONE, placed(provider.records(ZONE), {name: ["one-_A", "two"]}))
        assert dns_lab.values(server[1].dns, name, "TXT") == ("one-_A", "two")


@pytest.fixture
def scripted() -> Iterator[Callable[[int, dict[str, str], str], str]]:
    """The directory of a CA that always answers like that."""
    servers = []

    def start(status: int, headers: dict[str, str], body: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/dir"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


LIMIT = '{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates", "status": 429}'


def test_a_limit_of_the_ca_says_when_to_come_back(scripted: Callable[[int, dict[str, str], str], str]) -> None:
    headers = {"Retry-After": "7200", "Content-Type": "application/problem+json"}
    authority = AcmeAuthority(scripted(429, headers, LIMIT), clock=lambda: 1000.0)
    with pytest.raises(CertificateError, match="allows no further certificate now: too many certificates") as caught:
        authority.issue(authority.new_account(), [ZONE], lambda wanted: None)
    assert (caught.value.retry, "present certificate stays" in caught.value.hint) == (8200.0, True)


def test_a_ca_that_is_away_or_answers_nonsense(scripted: Callable[[int, dict[str, str], str], str]) -> None:
    away = AcmeAuthority("http://127.0.0.1:9/dir")
    with pytest.raises(CertificateError, match="can't be used") as caught:
        away.issue(away.new_account(), [ZONE], lambda wanted: None)
    assert "the CA is away" in caught.value.hint
    broken = AcmeAuthority(scripted(200, {"Content-Type": "text/html"}, "<html>welcome</html>"))
    with pytest.raises(CertificateError, match="can't be used"):
        broken.issue(broken.new_account(), [ZONE], lambda wanted: None)
