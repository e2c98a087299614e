"""A person signs in on the page by their provider, and only they do."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner

from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, remove_person
from shipway.actions.people.second_factor import confirm_totp, enrol_totp
from shipway.actions.people.sign_in import make_link, sign_in_by_link
from shipway.cli import cli
from shipway.domain.audit import REFUSED_SIGN_IN, AuditFilter, Entry
from shipway.domain.errors import UsageError
from shipway.domain.totp import code
from shipway.server.provider import BACK
from shipway.server.provider import COOKIE as KEPT
from shipway.server.site import Site
from shipway.server.web import application
from shipway.system.openid import Provider, Settings
from tests.unit.server.asking import Answer as Page
from tests.unit.server.asking import ask
from tests.unit.server.provider import ADA, BASE, CLIENT, ISSUER, SECRET, Fake, fake
from tests.unit.server.site import CHEAP, HTML, Place, forge

__all__ = ["fake"]


class Signing(Place):
    """A release server with a provider."""

    def __init__(self, folder: Path, fake: Fake, url: str = "") -> None:
        super().__init__(folder)
        self.fake = fake
        provider = Provider(Settings(ISSUER, CLIENT, f"{BASE}{BACK}", SECRET), fake, lambda: fake.now)
        self.app = application(Site(self.ctx, self.observer, CHEAP, forge, url, provider))
        add_person(self.ctx, None, ADA)

    def leave(self, where: str = "/apps/shop") -> tuple[str, dict[str, str]]:
        """The cookie, and what the provider was asked."""
        found = ask(self.app, f"/sign-in/provider?next={where}", accept=HTML)
        assert found.status == 303
        asked = dict(parse_qsl(urlsplit(found.headers["location"]).query))
        self.fake.claims["nonce"] = asked["nonce"]
        return found.headers["set-cookie"].partition(";")[0], asked

    def is_in(self, person: str) -> bool:
        return self.ctx.ledger.is_known_address(person, "127.0.0.1", 0.0)

    def back(self, cookie: str, state: str, **more: str) -> Page:
        given = "".join(f"&{name}={value}" for name, value in more.items())
        return ask(self.app, f"{BACK}?code=c&state={state}{given}", accept=HTML, cookie=cookie)


def refusals(signing: Signing) -> list[Entry]:
    return signing.ctx.ledger.audit(AuditFilter(kind=REFUSED_SIGN_IN))


@pytest.fixture
def signing(tmp_path: Path, fake: Fake) -> Signing:
    return Signing(tmp_path, fake)


def test_a_person_signs_in_and_goes_on_where_they_were(signing: Signing) -> None:
    assert "Sign in with id.example.org" in ask(signing.app, "/sign-in", accept=HTML).text
    cookie, asked = signing.leave()
    found = signing.back(cookie, asked["state"])
    assert (found.status, found.headers["location"]) == (303, "/apps/shop")
    assert signing.is_in(ADA)
    assert found.headers["set-cookie"].startswith(f'{KEPT}="";')  # the last one: it is not kept


def test_only_people_who_exist_are_signed_in(signing: Signing) -> None:
    for email in (
        "eve@example.org",
        "",
        "not an address",
        "x" * 5000,
        "ada@example.org\n",
        "<script>alert(1)</script>",
        "ada+x@example.org",
        "\uff41da@example.org",
        " ada@example.org",
        "Ada <ada@example.org>",
        "1+ada@example.org",
        "ada@example.org\0",
    ):
        cookie, asked = signing.leave()
        signing.fake.claims["email"] = email
        found = signing.back(cookie, asked["state"])
        assert found.status == 403, email
        assert "<script>alert" not in found.text
        assert not signing.is_in(email)
        assert not signing.is_in(ADA)  # whose address some of them stand for
    signing.fake.claims["email"] = "Ada@Example.org"
    remove_person(signing.ctx, None, ADA)
    cookie, asked = signing.leave()
    assert signing.back(cookie, asked["state"]).status == 403
    add_person(signing.ctx, None, ADA)
    cookie, asked = signing.leave()
    assert signing.back(cookie, asked["state"]).status == 303


def test_an_answer_counts_only_in_the_browser_that_asked(signing: Signing) -> None:
    _, asked = signing.leave()
    other, _ = signing.leave()
    bad = base64.urlsafe_b64encode(json.dumps({"begun": ["", "", ""], "next": ""}).encode()).decode()
    for kept in ("", other, f"{KEPT}=x", f"{KEPT}={bad}", f"{KEPT}=bnVsbA=="):
        found = signing.back(kept, asked["state"])
        assert found.status == 403
        assert signing.back(kept, "").status == 403
    assert all(not item[1].endswith("/token") for item in signing.fake.asked)


def test_the_way_back_leads_to_no_other_site(signing: Signing) -> None:
    for where in ("//evil.example", "https://evil.example", "/\\evil.example"):
        cookie, asked = signing.leave(where)
        assert signing.back(cookie, asked["state"]).headers["location"] == "/"


def test_who_has_set_up_codes_needs_a_second_factor_there(signing: Signing) -> None:
    by = identify(signing.ctx, sign_in_by_link(signing.ctx, make_link(signing.ctx, ADA), "127.0.0.1").secret)
    made = enrol_totp(signing.ctx, by)
    confirm_totp(signing.ctx, by, made.secret, code(made.secret, int(signing.ctx.ledger.now() // 30)))
    for methods, status in ((None, 403), (["pwd"], 403), ("mfa", 403), ([["mfa"]], 403), (["pwd", "mfa"], 303)):
        cookie, asked = signing.leave()
        signing.fake.claims["amr"] = methods
        found = signing.back(cookie, asked["state"])
        assert found.status == status, methods
    assert signing.fake.claims["amr"] == ["pwd", "mfa"]
    assert [entry.actor for entry in refusals(signing)] == [ADA] * 4


def test_who_is_refused_after_the_provider_is_in_the_audit(signing: Signing) -> None:
    signing.fake.claims["email"] = "eve@example.org"
    cookie, asked = signing.leave()
    assert signing.back(cookie, asked["state"]).status == 403
    [entry] = refusals(signing)
    assert (entry.actor, entry.origin, entry.outcome) == ("", "127.0.0.1", "refused")
    assert "id.example.org" in entry.what
    assert "eve" not in entry.what
    for kept in (cookie, "", "x=y"):  # what was not proven by the provider can be sent without an end
        assert signing.back(kept, "x").status == 403
    assert len(refusals(signing)) == 1


def test_the_cookie_is_only_for_this_host(tmp_path: Path, fake: Fake) -> None:
    safe = Signing(tmp_path, fake, "https://ship.example.org")
    found = ask(safe.app, "/sign-in/provider", accept=HTML).headers["set-cookie"].lower()
    assert found.startswith(f"__host-{KEPT}=")
    for part in ("secure", "httponly", "samesite=lax", "path=/"):
        assert part in found
    assert "domain" not in found


def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for path in ("/sign-in/provider", BACK):
        assert ask(place.app, path, accept=HTML).status == 404
    assert "Sign in with" not in ask(place.app, "/sign-in", accept=HTML).text


def test_a_part_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHIPWAY_OIDC_SECRET", raising=False)

    def run(*words: str) -> object:
        return CliRunner().invoke(cli, ["--home", str(tmp_path), "serve", *words]).exception

    for words in (("--oidc-issuer", ISSUER), ("--oidc-client", "x"), ("--oidc-issuer", ISSUER, "--oidc-client", "x")):
        found = run(*words)
        assert isinstance(found, UsageError)
        assert "client" in found.message
    found = run("--oidc-issuer", ISSUER, "--oidc-client", "x", "--oidc-secret-file", str(tmp_path / "none"))
    assert isinstance(found, UsageError)
    assert "can't be read" in found.message
    monkeypatch.setenv("SHIPWAY_OIDC_SECRET", SECRET)
    found = run("--oidc-issuer", "http://id.example.org", "--oidc-client", "x")
    assert isinstance(found, UsageError)
    assert "https://" in found.message
