"""Sign-in by a real provider: the certified library `oidc-provider`, which knows when the protocol is broken."""

from __future__ import annotations

import http.cookiejar
import os
import re
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.people.manage import add_person
from shipway.server.provider import BACK
from shipway.server.site import Site
from shipway.server.web import application
from shipway.system.openid import Provider, Settings, asking
from tests.programs import program, published_with_needs
from tests.unit.server.asking import Answer, ask
from tests.unit.server.site import CHEAP, HTML, Place, forge

pytestmark = pytest.mark.counterpart

BASE, SECRET, ADA = "http://127.0.0.1:8470", "a secret/+ of the client", "ada@example.org"


class Browser:
    """Signs in at the provider's own pages, and comes back with what it was sent with."""

    def __init__(self) -> None:
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), _Stay())

    def goes(self, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """The page, or the address to which it is sent."""
        body = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self._opener.open(urllib.request.Request(url, body)) as answer:
                return answer.read().decode(), ""
        except urllib.error.HTTPError as error:
            if error.code not in (302, 303):
                raise
            return "", urllib.parse.urljoin(url, error.headers["location"])

    def signs_in(self, url: str, name: str) -> str:
        """The address of this server to which it is sent in the end."""
        forms = [{"prompt": "login", "login": name, "password": "any"}, {"prompt": "consent"}]
        for _ in range(20):
            if url.startswith(BASE):
                return url
            page, there = self.goes(url)
            if there:
                url = there
                continue
            [action] = re.findall(r'<form[^>]* action="([^"]+)"', page)
            _, url = self.goes(urllib.parse.urljoin(url, action), forms.pop(0))
        raise AssertionError(f"it leads nowhere: {url}")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *given: object) -> None:
        """Each step is looked at."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, "MODULES": str(published_with_needs("oidc-provider"))}
    words = [program("node"), str(Path(__file__).with_name("provider.mjs")), str(port), f"{BASE}{BACK}", SECRET]
    process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def place(tmp_path: Path, issuer: str) -> Place:
    found = Place(tmp_path)
    add_person(found.ctx, None, ADA)
    provider = Provider(Settings(issuer, "shipway", f"{BASE}{BACK}", SECRET), asking())
    found.app = application(Site(found.ctx, found.observer, CHEAP, forge, provider=provider))
    return found


def came_back(place: Place, name: str) -> tuple[Answer, str, str]:
    left = ask(place.app, "/sign-in/provider?next=/queue", accept=HTML)
    assert left.status == 303, left.text
    cookie = left.headers["set-cookie"].partition(";")[0]
    back = Browser().signs_in(left.headers["location"], name).removeprefix(BASE)
    return ask(place.app, back, accept=HTML, cookie=cookie), back, cookie


def test_a_person_signs_in(place: Place) -> None:
    found, back, cookie = came_back(place, ADA)
    assert (found.status, found.headers["location"]) == (303, "/queue"), found.text
    assert place.ctx.ledger.is_known_address(ADA, "127.0.0.1", 0.0)
    again = ask(place.app, back, accept=HTML, cookie=cookie)
    assert again.status == 403  # a code counts once


@pytest.mark.parametrize("name", ["eve@example.org", "unverified@example.org"])
def test_nobody_else_does(place: Place, name: str) -> None:
    add_person(place.ctx, None, "unverified@example.org")
    found, _, _ = came_back(place, name)
    assert found.status == 403
    assert not place.ctx.ledger.is_known_address(name, "127.0.0.1", 0.0)


def test_without_the_right_secret_the_provider_gives_nothing(place: Place, issuer: str) -> None:
    provider = Provider(Settings(issuer, "shipway", f"{BASE}{BACK}", "wrong"), asking())
    place.app = application(Site(place.ctx, place.observer, CHEAP, forge, provider=provider))
    found, _, _ = came_back(place, ADA)
    assert (found.status, "status 401" in found.text) == (403, True)
