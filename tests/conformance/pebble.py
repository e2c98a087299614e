"""Pebble, an ACME server that is strict about the protocol, in a process of the test; it asks a DNS server of the test."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from tests.conformance.dns_lab import running
from tests.programs import program
from tests.unit.certificates import certificate


@dataclass(frozen=True)
class Pebble:
    """A running one."""

    directory: str
    trust: str  # certificate (PEM) of its own address
    dns: str  # the server that it asks for proofs


def _port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def pebble(folder: Path, dns: str, life: int = 90 * 86400) -> Iterator[Pebble]:
    """dns: address and port of the server that it asks for proofs. life: seconds of its certificates."""
    server = program("pebble")
    folder.mkdir(exist_ok=True)
    files, port, manage = certificate(folder, "IP:127.0.0.1"), _port(), _port()
    settings = {
        "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{manage}", "httpPort": 5002,
        "certificate": str(files.certificate), "privateKey": str(files.key), "tlsPort": 5001, "ocspResponderURL": "",
        "externalAccountBindingRequired": False, "certificateValidityPeriod": life,
    }  # fmt: skip
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    command = [server, "-config", str(folder / "pebble.json"), "-dnsserver", dns, "-strict"]
    env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_VA_ALWAYS_VALID": "0", "PEBBLE_AUTHZREUSE": "0"}
    with mock.patch.dict(os.environ, env), running(command, folder / "pebble.log", [port, manage]):
        yield Pebble(f"https://127.0.0.1:{port}/dir", files.certificate.read_text(), dns)
