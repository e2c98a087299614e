"""A provider of OpenID Connect that answers as a test says."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from shipway.server.provider import BACK
from shipway.system.http import Answer
from shipway.system.openid import Begun, Provider, Settings

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
