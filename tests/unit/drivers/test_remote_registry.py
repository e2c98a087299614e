"""Where the registry's client connects to, and whom it shows the password."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shipway.domain.errors import RegistryError
from shipway.drivers.credentials import Credentials
from shipway.drivers.registry.remote import RemoteRegistry

DIGEST = "sha256:" + "1" * 64


class Server(ThreadingHTTPServer):
    """Answers with what `answer` says; remembers path and Authorization of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.answer: tuple[int, dict[str, str]] = (200, {"Docker-Content-Digest": DIGEST})
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        status, headers = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    both = (Server(), Server())
    yield both
    for server in both:
        server.shutdown()
        server.server_close()


ADDRESSES = {
    "registry.example": ("https://registry.example", "registry.example/shop/api"),
    "registry.example/acme": ("https://registry.example", "registry.example/acme/shop/api"),
    "registry.example:5000/a/b": ("https://registry.example:5000", "registry.example:5000/a/b/shop/api"),
    "http://registry.example": ("http://registry.example", "registry.example/shop/api"),
    "https://127.0.0.1:5000": ("https://127.0.0.1:5000", "127.0.0.1:5000/shop/api"),
    "127.0.0.1:5000": ("http://127.0.0.1:5000", "127.0.0.1:5000/shop/api"),
    "localhost:5000": ("http://localhost:5000", "localhost:5000/shop/api"),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses(address: str) -> None:
    registry = RemoteRegistry(address)
    assert (registry._base, registry.repository("shop", "api")) == ADDRESSES[address]


def test_a_redirect_to_another_host_does_not_see_the_token(servers: tuple[Server, Server]) -> None:
    first, second = servers
    first.answer = (307, {"Location": f"http://{second.address}/elsewhere"})
    registry = RemoteRegistry(first.address, Credentials(token="secret"))
    assert registry.digest(f"{first.address}/shop/api", "v1") == DIGEST
    assert first.asked == [("/v2/shop/api/manifests/v1", "Bearer secret")]
    assert second.asked == [("/elsewhere", None)]


def test_a_password_is_shown_only_when_it_is_asked_for(servers: tuple[Server, Server]) -> None:
    registry = RemoteRegistry(servers[0].address, Credentials("ada", "secret"))
    registry.digest(f"{servers[0].address}/shop/api", "v1")
    assert servers[0].asked == [("/v2/shop/api/manifests/v1", None)]


def test_challenges_that_can_not_be_met(servers: tuple[Server, Server]) -> None:
    server = servers[0]
    registry = RemoteRegistry(server.address, Credentials("ada", "secret"))
    for challenge, message in (
        ('Bearer realm="ftp://elsewhere"', "no valid address for tokens"),
        ("Negotiate", "denies access to user ada"),
        ("", "denies access to user ada"),
        ('Basic realm="x"', "denies access to user ada"),
    ):
        server.answer = (401, {"WWW-Authenticate": challenge})
        with pytest.raises(RegistryError, match=message) as caught:
            registry.ensure()
        assert "secret" not in str(caught.value)


def test_what_is_no_registry(servers: tuple[Server, Server]) -> None:
    servers[0].answer = (404, {})
    with pytest.raises(RegistryError, match="isn't a registry"):
        RemoteRegistry(servers[0].address).ensure()


@pytest.mark.parametrize("status", [401, 403])
def test_without_credentials_it_says_so(servers: tuple[Server, Server], status: int) -> None:
    server = servers[0]
    server.answer = (status, {"WWW-Authenticate": 'Basic realm="x"'})
    with pytest.raises(RegistryError, match="denies anonymous access, and no credentials are set for it") as caught:
        RemoteRegistry(f"{server.address}/acme").ensure()
    assert f"docker login {server.address}" in caught.value.hint
    assert f"shipway secret set registry NAME --for {server.address}/acme" in caught.value.hint


class Rotating(Server):
    """Accepts one Authorization, which changes."""

    accepted = ""


def test_it_is_asked_again_with_newer_credentials_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Rotating()
    passwords = ["first"]
    renewed: list[Credentials] = []

    def basic(password: str) -> str:
        return "Basic " + base64.b64encode(f"ada:{password}".encode()).decode()

    def answer(handler: Handler) -> None:
        good = handler.headers.get("Authorization") == basic(passwords[-1])
        server.answer = (
            (200, {"Docker-Content-Digest": DIGEST}) if good else (401, {"WWW-Authenticate": 'Basic realm="x"'})
        )
        real(handler)

    def renew(used: Credentials) -> Credentials | None:
        renewed.append(used)
        return Credentials("ada", passwords[-1]) if used.password != passwords[-1] else None

    real = Handler.do_HEAD
    monkeypatch.setattr(Handler, "do_HEAD", answer)
    try:
        registry = RemoteRegistry(server.address, Credentials("ada", "first"), renew)
        repository = registry.repository("shop", "web")
        assert registry.digest(repository, "v1") == DIGEST
        passwords.append("second")
        assert registry.digest(repository, "v1") == DIGEST
        assert registry.digest(repository, "v2") == DIGEST
        assert [item.password for item in renewed] == ["first"]
        passwords.append("third")
        monkeypatch.setattr(registry, "_renew", lambda used: None)
        with pytest.raises(RegistryError, match="denies access to user ada"):
            registry.digest(repository, "v1")
    finally:
        server.shutdown()
        server.server_close()


def test_docker_hub_has_another_address_and_names_of_two_parts() -> None:
    registry = RemoteRegistry("docker.io/acme")
    assert registry.repository("shop", "web") == "acme/shop-web"
    assert registry._base == "https://registry-1.docker.io"
    assert registry._manifest("acme/shop-web", "v1") == "/v2/acme/shop-web/manifests/v1"
