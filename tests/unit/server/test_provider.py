"""Sign-in by a provider of OpenID Connect: only what it signed for this server and this browser counts, of people who exist."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, remove_person
from shipway.actions.people.second_factor import confirm_totp, enrol_totp
from shipway.actions.people.sign_in import make_link, sign_in_by_link
from shipway.cli import cli
from shipway.domain.audit import REFUSED_SIGN_IN, AuditFilter, Entry
from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.totp import code
from shipway.server.provider import BACK
from shipway.server.provider import COOKIE as KEPT
from shipway.server.site import Site
from shipway.server.web import application
from shipway.system.http import Answer
from shipway.system.openid import ALGORITHMS, Begun, Provider, Settings
from tests.unit.server.asking import Answer as Page
from tests.unit.server.asking import ask
from tests.unit.server.site import CHEAP, HTML, Place, forge

ISSUER, CLIENT, SECRET = "https://id.example.org", "shipway", "the secret/+ of the client"
BASE = "http://127.0.0.1:8470"
ADA = "ada@example.org"
BEGUN = Begun("s" * 43, "n" * 43, "v" * 43)
KEY, OTHER = RSAKey.generate_key(2048), RSAKey.generate_key(2048)


class Fake:
    """A provider without a network, which says what a test wants."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize?tenant=1", "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys", "userinfo_endpoint": f"{ISSUER}/me",
        }  # fmt: skip
        self.now = time.time()
        self.keys: list[dict[str, Any]] = [{**KEY.as_dict(private=False), "kid": "1"}]
        self.claims: dict[str, Any] = {
            "iss": ISSUER, "aud": CLIENT, "sub": "7", "nonce": BEGUN.nonce, "iat": self.now, "exp": self.now + 300,
            "email": ADA, "email_verified": True,
        }  # fmt: skip
        self.token: str | None = None
        self.me: dict[str, Any] = {}
        self.asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.broken: dict[str, tuple[int, bytes] | OSError] = {}

    def signed(self, key: Any = KEY, **header: Any) -> str:
        head = {"alg": "RS256", "kid": "1", **header}
        return jwt.encode(head, self.claims, key, algorithms=[head["alg"]])

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        self.asked.append((method, url, dict(headers), dict(parse_qsl((body or b"").decode()))))
        path = urlsplit(url).path
        status, answer = 200, {
            "/.well-known/openid-configuration": self.document, "/keys": {"keys": self.keys}, "/me": self.me,
            "/token": {"id_token": self.token or self.signed(), "access_token": "at", "token_type": "Bearer"},
        }[path]  # fmt: skip
        text = json.dumps(answer).encode()
        if found := self.broken.get(path):
            if isinstance(found, OSError):
                raise found
            status, text = found
        return Answer(status, Message(), text)  # type: ignore[arg-type]


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def provider(fake: Fake) -> Provider:
    return Provider(Settings(ISSUER, CLIENT, f"{BASE}{BACK}", SECRET), fake, lambda: fake.now)


GIVEN = {"state": BEGUN.state, "code": "c", "iss": ISSUER}


def test_the_browser_is_sent_with_a_challenge(provider: Provider) -> None:
    where = urlsplit(provider.address(BEGUN))
    asked = {name: value for name, [value] in parse_qs(where.query).items()}
    assert where._replace(query="").geturl() == f"{ISSUER}/authorize"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(BEGUN.verifier.encode()).digest()).decode().rstrip("=")
    assert asked == {
        "tenant": "1", "response_type": "code", "client_id": CLIENT, "redirect_uri": f"{BASE}{BACK}", "scope": "openid email",
        "state": BEGUN.state, "nonce": BEGUN.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    assert BEGUN.verifier not in where.query
    assert SECRET not in repr(provider._own)


def test_a_code_becomes_an_address(provider: Provider, fake: Fake) -> None:
    found = provider.prove(BEGUN, GIVEN)
    assert (found.email, found.strong) == (ADA, False)
    method, url, headers, form = next(item for item in fake.asked if item[1].endswith("/token"))
    assert (method, url) == ("POST", f"{ISSUER}/token")
    assert form == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": f"{BASE}{BACK}",
        "code_verifier": BEGUN.verifier,
    }
    assert (
        base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"shipway:the+secret%2F%2B+of+the+client"
    )
    fake.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    fake.now += 4000
    fake.claims |= {"iat": fake.now, "exp": fake.now + 1, "amr": ["pwd", "otp"]}
    assert provider.prove(BEGUN, GIVEN).strong
    assert fake.asked[-1][1].endswith("/keys")
    form = [item for item in fake.asked if item[1].endswith("/token")][-1][3]
    assert (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)


CLAIMS: list[dict[str, Any]] = [
    {"iss": "https://evil.example"}, {"iss": f"{ISSUER}/"}, {"iss": None},
    {"aud": "another"}, {"aud": ["another"]}, {"aud": None}, {"aud": []}, {"aud": [CLIENT, "another"]},
    {"aud": [CLIENT, "another"], "azp": "another"}, {"azp": "another"},
    {"exp": 0}, {"exp": None}, {"exp": "9999999999"}, {"exp": True}, {"iat": None}, {"iat": 9e12},
    {"nonce": "x" * 43}, {"nonce": None}, {"nonce": ""}, {"nonce": [BEGUN.nonce]}, {"sub": None}, {"sub": ""},
    {"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email_verified": 1}, {"email": None},
    {"email": [ADA]},
]  # fmt: skip


def test_a_token_with_a_wrong_claim_is_refused(provider: Provider, fake: Fake) -> None:
    right = dict(fake.claims)
    for wrong in CLAIMS:
        fake.claims = {**right, **wrong}
        with pytest.raises(NotSignedIn):
            provider.prove(BEGUN, GIVEN)
        for name in wrong:
            fake.claims = {key: value for key, value in right.items() if key != name}
            if name not in ("azp", "email"):  # which may be left out, or come from elsewhere
                with pytest.raises(NotSignedIn):
                    provider.prove(BEGUN, GIVEN)
    fake.claims = {**right, "exp": fake.now - 61}
    with pytest.raises(NotSignedIn, match="expired"):
        provider.prove(BEGUN, GIVEN)
    fake.claims = {**right, "aud": [CLIENT, "another"], "azp": CLIENT, "exp": fake.now - 30}
    assert provider.prove(BEGUN, GIVEN).email == ADA


def test_a_token_that_the_provider_did_not_sign_is_refused(provider: Provider, fake: Fake) -> None:
    body, _, _ = fake.signed().rpartition(".")
    head, claims, seal = fake.signed().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    shared = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"1"}').decode().rstrip("=")
    sealed = hmac.new(KEY.as_pem(private=False), f"{shared}.{claims}".encode(), hashlib.sha256).digest()
    other = json.dumps({**fake.claims, "email": "eve@example.org"}).encode()
    forged = base64.urlsafe_b64encode(other).decode().rstrip("=")
    tokens = [
        fake.signed(OTHER), fake.signed(OTHER, kid="2"), f"{shared}.{claims}.{base64.urlsafe_b64encode(sealed).decode()}", f"{none}.{claims}.", f"{body}.", body,
        f"{head}.{forged}.{seal}", "", "x", "....", "\ud800", "[" * 50_000, f"{head}.{claims}.{seal}.{seal}.{seal}",
    ]  # fmt: skip
    for token in tokens:
        fake.token = token or "."
        with pytest.raises(NotSignedIn):
            provider.prove(BEGUN, GIVEN)
    assert not {"none", "HS256", "HS384", "HS512"} & set(ALGORITHMS)


def test_new_keys_of_the_provider_are_found_and_not_looked_for_without_end(provider: Provider, fake: Fake) -> None:
    def looks() -> int:
        return sum(item[1].endswith("/keys") for item in fake.asked)

    assert provider.prove(BEGUN, GIVEN).email == ADA
    elliptic = ECKey.generate_key("P-256")
    fake.keys = [{"kty": "unknown"}, {"kty": "RSA"}, {**elliptic.as_dict(private=False), "kid": "2"}]  # type: ignore[list-item]
    fake.token = fake.signed(elliptic, alg="ES256", kid="2")
    with pytest.raises(NotSignedIn):  # it was just looked
        provider.prove(BEGUN, GIVEN)
    assert looks() == 1
    fake.now += 11
    assert provider.prove(BEGUN, GIVEN).email == ADA
    assert looks() == 2


def test_an_answer_to_another_question_is_refused(provider: Provider, fake: Fake) -> None:
    for wrong in (
        {"state": "x" * 43},
        {"state": ""},
        {"state": "\ud800"},
        {"iss": "https://evil.example"},
        {"error": "denied"},
        {"code": ""},
    ):
        with pytest.raises(NotSignedIn):
            provider.prove(BEGUN, {**GIVEN, **wrong})
    with pytest.raises(NotSignedIn):
        provider.prove(BEGUN, {})
    assert fake.asked == []


def test_an_address_may_come_from_elsewhere_for_the_same_person(provider: Provider, fake: Fake) -> None:
    del fake.claims["email"], fake.claims["email_verified"]
    for me, right in (
        ({"sub": "7", "email": ADA, "email_verified": True}, True), ({"sub": "8", "email": ADA, "email_verified": True}, False),
        ({"sub": "7", "email": ADA}, False), ({}, False),
    ):  # fmt: skip
        fake.me = me
        if right:
            assert provider.prove(BEGUN, GIVEN).email == ADA
            assert fake.asked[-1][2]["Authorization"] == "Bearer at"
        else:
            with pytest.raises(NotSignedIn):
                provider.prove(BEGUN, GIVEN)


def test_a_provider_that_is_away_or_strange_is_said(provider: Provider, fake: Fake) -> None:
    for path in ("/token", "/keys", "/.well-known/openid-configuration"):
        for broken in (
            OSError("away"),
            (500, b"{}"),
            (302, b"{}"),
            (200, b"<html>"),
            (200, b"[]"),
            (200, b"[" * 50_000),
        ):
            fake.broken = {path: broken}
            fresh = Provider(provider._own, fake, lambda: fake.now)
            with pytest.raises(NotSignedIn):
                fresh.prove(BEGUN, GIVEN)
    fake.broken = {}
    for name, value in {
        "issuer": "https://evil.example",
        "token_endpoint": "http://evil.example/token",
        "jwks_uri": None,
    }.items():
        fake.document = {**Fake().document, name: value}
        with pytest.raises(NotSignedIn):
            Provider(provider._own, fake, lambda: fake.now).prove(BEGUN, GIVEN)


def test_an_address_without_tls_is_refused(fake: Fake) -> None:
    for issuer in (
        "http://id.example.org",
        "id.example.org",
        "",
        "ftp://127.0.0.1",
        "https://",
        "http://127.0.0.1.evil.example",
    ):
        with pytest.raises(UsageError):
            Provider(Settings(issuer, CLIENT, BASE, SECRET), fake)
    Provider(Settings("http://127.0.0.1:1", CLIENT, BASE, SECRET), fake)


# on the page


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
