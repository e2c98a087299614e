"""A message from outside that is cut within a secret shows no part of it."""

from __future__ import annotations

import email.message
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from shipway.domain.cdn import ALL, Batch, Cdn
from shipway.domain.errors import ShipwayError
from shipway.domain.infra import InfraPlace
from shipway.domain.provisioned import Infra
from shipway.domain.secret_source import SecretSource
from shipway.drivers.backups.s3 import S3Store
from shipway.drivers.backups.sigv4 import Credentials
from shipway.drivers.cdn.varnish import Varnish
from shipway.drivers.dns.octodns import _message
from shipway.drivers.infra.command import CommandTool
from shipway.drivers.secret_provider.operator import Operator
from shipway.drivers.secret_provider.vault import Vault
from shipway.ports import CdnAccess
from shipway.system.http import Answer
from shipway.system.probe import probe
from shipway.system.redact import of_process, shortened, without
from shipway.testing.vault_server import VaultServer

SECRET = "canary-6f1e0b7a9c2d4e83a5b6"
BEFORE = len(SECRET) // 2  # characters of it before the cut


def told(most: int) -> str:
    """A text whose first `most` characters end within the secret."""
    return "." * (most - BEFORE) + SECRET + ", it said"


@pytest.fixture(autouse=True)
def known() -> None:
    of_process().add({"TOKEN": SECRET})


def answering(body: bytes) -> HTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_BAN = do_PURGE = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def of_a_cdn(folder: Path) -> str:
    server = answering(told(200).encode())
    cdn = Cdn("varnish", caches=(f"http://127.0.0.1:{server.server_address[1]}",), token="TOKEN")
    try:
        return failed(
            lambda: Varnish(CdnAccess(cdn, SECRET, timeout=5.0)).purge(Batch(ALL, ("http://shop.example",)), "x")
        )
    finally:
        server.shutdown()


def of_a_probe(folder: Path) -> str:
    server = answering(told(200).encode())
    try:
        return probe("127.0.0.1", server.server_address[1], "/", 5.0).detail
    finally:
        server.shutdown()


def of_a_store(folder: Path) -> str:
    store = S3Store("s3://bucket/shop", "http://127.0.0.1:9", "us-east-1", Credentials("ID", SECRET))
    body = f"<Error><Code>Odd</Code><Message>{told(200 - len('500 Odd '))}</Message></Error>".encode()
    return store._failure(Answer(500, email.message.Message(), body), "x").message


def of_dns(folder: Path) -> str:
    return _message(ValueError(told(400)))


def of_infrastructure(folder: Path) -> str:
    (folder / "error").write_text(json.dumps({"error": told(500)}))
    place = InfraPlace(folder, folder, {"TOKEN": SECRET})
    tool = CommandTool(Infra("command", "infra", "cat error"), place, threading.Event())
    return failed(lambda: tool.plan(folder / "plan", lambda line: None))


def of_vault(folder: Path) -> str:
    server = VaultServer()
    with server.serving() as address:
        operator = Operator(folder, "shop/staging", {"VAULT_ADDR": address, "VAULT_TOKEN": "hvs.not-known-before"})
        refused = failed(lambda: Vault(SecretSource("vault", address, "secret/shop"), operator).fetch(["KEY"]))
    assert of_process().text("it is hvs.not-known-before") == "it is «vault token»"
    return refused + shortened(told(100), 100)


def failed(call: Callable[[], object]) -> str:
    with pytest.raises(ShipwayError) as caught:
        call()
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "said", [of_a_cdn, of_a_probe, of_a_store, of_dns, of_infrastructure, of_vault], ids=lambda item: item.__name__
)
def test_no_part_of_a_secret_is_left(said: Callable[[Path], str], tmp_path: Path) -> None:
    text = said(tmp_path)
    assert "«TO" in text, "the secret was not within the part that is shown"
    assert SECRET[:8] not in text


def test_the_output_of_a_program_is_hidden_as_well() -> None:
    assert without("a-value-of-now\n", f"a-value-of-now is odd, {SECRET} too") == "«output» is odd, «TOKEN» too"
    assert without("", "no output", 4) == "no o"
