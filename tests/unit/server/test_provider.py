"""Sign-in by a provider of OpenID Connect: only what it signed for this server and this sign-in counts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey

from shipway.domain.errors import NotSignedIn, UsageError
from shipway.server.provider import BACK
from shipway.system.openid import ALGORITHMS, Provider, Settings
from tests.unit.server.provider import ADA, BASE, BEGUN, CLIENT, ISSUER, KEY, OTHER, SECRET, Fake, fake, provider

__all__ = ["fake", "provider"]


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
