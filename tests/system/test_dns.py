"""`shipway dns` with PowerDNS and BIND as real servers: shown, applied, seen, moved; a record of someone else stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.project import Done
from shipway.domain.errors import DnsError, GateRefused, TimedOut
from shipway.testing.dns import ZONE
from tests import prepared
from tests.conformance import dns_lab
from tests.conformance.dns_lab import API_KEY, TSIG, Server
from tests.system.tiny import Tiny

pytestmark = pytest.mark.counterpart

WWW = f"www.{ZONE}"


class Named(Tiny):
    """A project whose production has names in the zone; nothing is deployed."""

    def __init__(self, folder: Path, server: Server, provider: str, secret: tuple[str, str], key: str) -> None:
        super().__init__(folder)
        self.dns: dict[str, Any] = {
            "provider": provider, "zone": ZONE, "options": server.options, "secrets": {secret[0]: secret[1]},
            "addresses": ["192.0.2.7", "2001:db8::7"], "servers": [server.address], "resolvers": [server.address],
        }  # fmt: skip
        self.plan["environments"]["production"] |= {
            "url": f"https://{ZONE}", "aliases": [f"*.{ZONE}"], "redirects": [f"api.{ZONE}"], "tls": "internal", "dns": self.dns,
        }  # fmt: skip
        self.server, self.secret, self.key = server.address, secret[1], key
        self.create()
        self.git("switch", "--quiet", "main")

    def set_key(self, key: str) -> None:
        done = prepared.run(["secret", "set", "production", self.secret], self.where, self.env, merged=True, text=key)
        assert done.returncode == 0, done.stdout

    def merge(self) -> None:
        self.change("merged")

    def answer(self, name: str, kind: str = "A") -> tuple[str, ...] | None:  # type: ignore[override]
        return dns_lab.values(self.server, name, kind)

    def apply(self, *options: str, check: bool = True) -> Done:
        shown = self.shipway("dns", "production", *options).output
        found = re.search(r"--apply ([0-9a-f]{12})", shown)
        assert found, shown
        return self.shipway("dns", "production", *options, "--apply", found[1], "--wait", "60s", check=check)


@pytest.fixture(params=["powerdns", "rfc2136"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Named]:
    (tmp_path / "server").mkdir()
    if request.param == "powerdns":
        with dns_lab.powerdns(tmp_path / "server") as server:
            yield Named(tmp_path / "project", server, "powerdns", ("api_key", "DNS_KEY"), API_KEY)
    else:
        with dns_lab.bind(tmp_path / "server") as server:
            yield Named(tmp_path / "project", server, "rfc2136", ("key_secret", "DNS_KEY"), TSIG)


def test_from_nothing_to_a_move_and_back(project: Named) -> None:
    missing = project.shipway("dns", "production", check=False)
    assert "shipway secret set production DNS_KEY" in missing.output
    project.set_key("d3Jvbmcta2V5")
    refused = project.shipway("dns", "production", check=False)
    assert (refused.code, "the key is refused" in refused.output) == (DnsError.exit_code, True), refused.output

    project.set_key(project.key)
    printed = project.shipway("dns", "production", "--json").output
    shown = json.loads(printed[printed.index("{") :])  # after notes on stderr
    assert len([item for item in shown["changes"] if item["after"]["kind"] == "A"]) == 3
    done = project.apply()
    assert "all servers show the records of production" in done.output
    assert project.answer(ZONE) == ("192.0.2.7",)
    assert project.answer(ZONE, "AAAA") == ("2001:db8::7",)
    assert project.answer(f"anything.{ZONE}") == ("192.0.2.7",)
    assert "has all records of production" in project.shipway("dns", "production").output
    assert project.key not in done.output

    # a record of someone else
    project.plan["environments"]["production"]["redirects"] = [WWW]
    project.merge()
    shown_text = project.shipway("dns", "production").output
    assert "www.shop.example 600s A 192.0.2.1: made by someone else, left alone" in shown_text
    project.apply()
    assert project.answer(WWW) == ("192.0.2.1",)
    assert project.answer(f"api.{ZONE}") == ("192.0.2.7",), "no longer a record of its own: the wildcard's"

    # a move: a lower time to live first
    assert "resolvers may keep the old records for 300 seconds" in project.apply("--ttl", "60s").output
    project.dns["addresses"] = ["192.0.2.8"]
    project.merge()
    project.apply("--ttl", "60s")
    assert project.answer(ZONE) == ("192.0.2.8",)
    assert project.answer(ZONE, "AAAA") == ()
    project.apply()
    assert project.answer(ZONE) == ("192.0.2.8",)

    # adopted
    project.apply("--adopt", WWW)
    assert project.answer(WWW) == ("192.0.2.8",)

    # an old digest, a server that never answers, and settings that only a branch has
    stale = project.shipway("dns", "production", "--apply", "0123456789ab", check=False)
    assert (stale.code, "not those of" in stale.output) == (DnsError.exit_code, True)
    with dns_lab.silent_server() as port:
        project.dns |= {"resolvers": [f"127.0.0.1:{port}"], "addresses": ["192.0.2.9"]}
        project.merge()
        shown_text = project.shipway("dns", "production").output
        digest = re.search(r"--apply ([0-9a-f]{12})", shown_text)
        assert digest
        late = project.shipway("dns", "production", "--apply", digest[1], "--wait", "1s", check=False)
    assert (late.code, "no answer" in late.output) == (TimedOut.exit_code, True), late.output
    assert project.answer(ZONE) == ("192.0.2.9",)
    project.git("switch", "--quiet", "--create", "feature")
    project.plan["environments"]["preview"] = {"url": f"https://preview.{ZONE}", "dns": project.dns}
    project.merge()
    unknown = project.shipway("dns", "preview", check=False)
    assert unknown.code == GateRefused.exit_code, unknown.output
