"""A wildcard certificate from an ACME server through PowerDNS, served by the edge, renewed under requests; the proof is gone after
every attempt, also after a kill."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from shipway.domain.errors import DnsError, SecretError
from shipway.testing.dns import ZONE
from tests import prepared
from tests.conformance import dns_lab
from tests.conformance.dns_lab import API_KEY, settled
from tests.conformance.pebble import pebble
from tests.system.conftest import Make
from tests.system.tiny import Tiny, asked_again, engine

pytestmark = [pytest.mark.machine, pytest.mark.engine]
PORT, PROOF = 8443, f"_acme-challenge.{ZONE}"


def served(host: str = f"anything.{ZONE}") -> x509.Certificate:
    """The certificate that the edge shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", PORT), 60) as plain,
        context.wrap_socket(plain, server_hostname=host) as found,
    ):
        return x509.load_der_x509_certificate(found.getpeercert(binary_form=True) or b"")


def answer(host: str = f"anything.{ZONE}") -> str:
    """What the site says there, on a connection of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    connection.connect()
    connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
    connection.request("GET", "/", headers={"Host": f"{host}:{PORT}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def answer_or_error() -> str:
    try:
        return answer()
    except Exception as error:
        return repr(error)


def set_key(project: Tiny, key: str) -> None:
    done = prepared.run(["secret", "set", "staging", "DNS_KEY"], project.where, project.env, merged=True, text=key)
    assert done.returncode == 0, done.stdout


def test_a_wildcard_from_the_order_to_the_renewal(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    folder.mkdir()
    with (
        dns_lab.powerdns(folder) as server,
        pebble(folder / "pebble", server.address) as ca,
        pebble(folder / "short", server.address, life=30) as short,
    ):
        project = make()
        dns: dict[str, Any] = {
            "provider": "powerdns", "zone": ZONE, "options": server.options, "secrets": {"api_key": "DNS_KEY"},
            "addresses": ["127.0.0.1"], "servers": [server.address],
        }  # fmt: skip
        project.plan["environments"]["staging"] |= {
            "url": f"https://{ZONE}:{PORT}", "aliases": [f"*.{ZONE}"], "dns": dns,
            "tls": {"acme": f"ops@{ZONE}", "server": ca.directory, "trust": ca.trust},
        }  # fmt: skip
        project.protect()
        project.change("one")
        assert project.shipway("check").code == 0
        set_key(project, API_KEY)

        def proofs() -> tuple[str, ...]:
            return dns_lab.values(server.address, PROOF, "TXT")

        early = project.shipway("run", "staging", check=False)
        assert early.code == SecretError.exit_code, early.output
        assert "shipway certificate staging" in early.output

        done = project.shipway("certificate", "staging")
        assert f"obtained a certificate for {ZONE}, *.{ZONE}" in done.output, done.output
        assert proofs() == ()
        project.shipway("run", "staging")
        first = served()
        names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(names.get_values_for_type(x509.DNSName)) == {ZONE, f"*.{ZONE}"}
        assert "Pebble" in first.issuer.rfc4514_string()
        assert served(ZONE).serial_number == first.serial_number
        assert answer() == "one"
        assert project.shipway("tick", "--app", project.app).output == ""

        with asked_again(answer_or_error) as answers:
            renewed = project.shipway("certificate", "staging", "--renew")
        assert "in place on local" in renewed.output
        assert answers
        assert set(answers) == {"one"}
        second = served()
        assert second.serial_number != first.serial_number
        assert second.public_key() != first.public_key()
        assert proofs() == ()

        # the edge is started again
        (name,) = [
            item["Names"][0].lstrip("/") for item in engine("/containers/json")
            if any(port.get("PublicPort") == PORT for port in item["Ports"])
        ]  # fmt: skip
        subprocess.run(["docker", "restart", name], check=True, capture_output=True)
        assert settled(lambda: listening() and served().serial_number == second.serial_number)

        # a key that is refused
        set_key(project, "wrong")
        refused = project.shipway("certificate", "staging", "--renew", check=False)
        assert (refused.code, "the key is refused" in refused.output) == (DnsError.exit_code, True), refused.output
        assert "the certificate was not renewed" in project.shipway("status").output
        set_key(project, API_KEY)
        assert served().serial_number == second.serial_number

        # killed while the servers don't show the proof yet
        with dns_lab.silent_server() as port:
            dns["servers"] = [server.address, f"127.0.0.1:{port}"]
            project.protect()
            killed = project.start("certificate", "staging", "--renew")
            assert settled(lambda: len(proofs()) == 2), killed.output
            killed.kill()
        assert len(proofs()) == 2
        dns["servers"] = [server.address]
        project.protect()
        project.shipway("certificate", "staging")
        assert proofs() == ()
        assert served().serial_number == second.serial_number

        # by `tick`, once it is due
        project.plan["environments"]["staging"]["tls"] |= {"server": short.directory, "trust": short.trust}
        project.protect()
        project.shipway("certificate", "staging", "--renew")
        third = served()
        assert third.serial_number != second.serial_number

        def ticked() -> bool:
            project.shipway("tick", "--app", project.app, "--only", "backups")
            return served().serial_number != third.serial_number

        assert settled(ticked, 120)
        assert proofs() == ()
        everything = (project.home / "ledger.db").read_bytes() + b"".join(
            path.read_bytes() for path in project.home.rglob("*") if path.is_file() and path.name != "key"
        )
        assert b"PRIVATE KEY" not in everything, "kept encrypted"


def listening() -> bool:
    try:
        served()
    except OSError:
        return False
    return True
