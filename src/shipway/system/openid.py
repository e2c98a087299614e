"""Sign-in by a provider of OpenID Connect: authorization code with PKCE, and a token that is checked before it counts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.value import dataclass
from shipway.system.fetch import Fetcher
from shipway.system.http import Answer
from shipway.system.safe_url import is_safe

# Signatures by a key pair: with a shared secret, or none, whoever asks could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
KINDS = ("RSA", "EC", "OKP")
SECOND_FACTORS = {"mfa", "otp", "hwk"}  # of RFC 8176: how the provider saw who it is
LEEWAY = 60.0  # seconds that the provider's clock may differ
KEPT = 3600.0  # seconds that what the provider says of itself counts as new
AGAIN = 10.0  # seconds between looks for keys that are not known
LARGEST = 1 << 20  # bytes of an answer
HINT = "try it again; if it stays so, sign in with your password"


class Ask(Protocol):
    """Sends one request to the provider, without following redirects. OSError without an answer."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer: ...


@dataclass(frozen=True)
class Begun:
    """What the browser keeps between leaving and coming back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Proven:
    """Who it is by the provider's word. strong: by a second factor too."""

    email: str
    strong: bool


@dataclass(frozen=True)
class Settings:
    """Of this server at the provider. back: the address to which the provider sends the browser."""

    issuer: str
    client: str
    back: str
    secret: str = field(repr=False)


class Provider:
    """A provider. Thread-safe. UsageError if its address is not one with TLS; this machine may do without."""

    def __init__(self, settings: Settings, ask: Ask, clock: Callable[[], float] = time.time) -> None:
        self._own, self._ask, self._clock = settings, ask, clock
        if not is_safe(settings.issuer):
            raise UsageError(
                f"the provider's address must begin with https://: {settings.issuer}",
                hint="http:// is allowed on this machine only",
            )
        self._lock = threading.Lock()
        self._document: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[Any]] | None = None

    @property
    def name(self) -> str:
        """For people."""
        return urlsplit(self._own.issuer).hostname or self._own.issuer

    def address(self, begun: Begun) -> str:
        """Where the browser is sent. NotSignedIn if the provider does not answer."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code", "client_id": self._own.client, "redirect_uri": self._own.back, "scope": "openid email",
            "state": begun.state, "nonce": begun.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        where = str(self._says("authorization_endpoint"))
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    def prove(self, begun: Begun, given: Mapping[str, str]) -> Proven:
        """Who it is, by the query with which the browser came back. NotSignedIn unless all of it is as it must be."""
        if not hmac.compare_digest(begun.state.encode(), given.get("state", "").encode("utf-8", "surrogatepass")):
            raise _refused("the answer belongs to another sign-in")
        if "iss" in given and given["iss"] != self._own.issuer:
            raise _refused("the answer is of another provider")
        if "error" in given or not given.get("code"):
            raise _refused("the provider refused it")
        tokens = self._tokens(given["code"], begun.verifier)
        claims = self._checked(str(tokens.get("id_token", "")), begun.nonce)
        more = claims if "email" in claims else self._userinfo(str(tokens.get("access_token", "")), claims["sub"])
        email = more.get("email")
        if not isinstance(email, str) or more.get("email_verified") is not True:
            raise _refused("the provider has not verified an e-mail address of yours", hint="have it verified there")
        methods = claims.get("amr")
        return Proven(
            email,
            isinstance(methods, list) and any(item in SECOND_FACTORS for item in methods if isinstance(item, str)),
        )

    def _tokens(self, code: str, verifier: str) -> dict[str, Any]:
        own = self._own
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": own.back, "code_verifier": verifier}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if "client_secret_basic" in self._says("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            login = f"{quote_plus(own.client)}:{quote_plus(own.secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        else:
            form |= {"client_id": own.client, "client_secret": own.secret}
        return self._json("POST", str(self._says("token_endpoint")), headers, urlencode(form).encode())

    def _userinfo(self, token: str, subject: str) -> dict[str, Any]:
        where = self._says("userinfo_endpoint", "")
        if not where or not token or not token.isascii() or not token.isprintable():
            return {}
        found = self._json("GET", str(where), {"Authorization": f"Bearer {token}", "Accept": "application/json"})
        if found.get("sub") != subject:
            raise _refused("the provider speaks of somebody else")
        return found

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of the ID token. NotSignedIn unless it is signed by the provider, for this server, for this sign-in, and
        counts now."""
        claims, now = self._signed(token), self._clock()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        given = claims.get("nonce")
        if claims.get("iss") != self._own.issuer or not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise _refused("the token is of another provider")
        if self._own.client not in audiences or claims.get("azp", self._own.client) != self._own.client:
            raise _refused("the token is for another server")
        if len(audiences) > 1 and "azp" not in claims:
            raise _refused("the token is for several servers")
        if not (_is_time(claims.get("exp")) and now < claims["exp"] + LEEWAY):
            raise _refused("the token has expired")
        if not (_is_time(claims.get("iat")) and claims["iat"] <= now + LEEWAY):
            raise _refused("the token is of a time that has not come yet")
        if not isinstance(given, str) or not hmac.compare_digest(
            given.encode("utf-8", "surrogatepass"), nonce.encode()
        ):
            raise _refused("the token belongs to another sign-in")
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        header = _header(token)
        if header.get("alg") not in ALGORITHMS:
            raise _refused("the token is not signed by a key pair")
        for fresh in (False, True):  # the provider may have new keys
            for key in self._keys_of(header.get("kid"), fresh):
                try:
                    return dict(jwt.decode(token, key, algorithms=[header["alg"]]).claims)
                except (JoseError, ValueError):
                    continue
        raise _refused("the token is not signed by the provider")

    def _keys_of(self, number: object, fresh: bool) -> list[Any]:
        from joserfc.jwk import import_key

        with self._lock:
            known, now = self._keys, self._clock()
            if known is None or now - known[0] > (AGAIN if fresh else KEPT):
                found = list[Any]()
                listed = self._json("GET", str(self._says("jwks_uri")), {"Accept": "application/json"}).get("keys")
                for item in listed if isinstance(listed, list) else []:
                    if isinstance(item, dict) and item.get("kty") in KINDS and item.get("use", "sig") == "sig":
                        try:
                            found.append((item.get("kid"), import_key(item)))
                        except Exception:  # a kind that is not known yet: others may do
                            continue
                self._keys = known = now, found
            return [key for name, key in known[1] if number is None or name in (None, number)]

    def _says(self, name: str, default: Any = None) -> Any:
        """Of the provider's document about itself."""
        known, now = self._document, self._clock()
        if known is None or now - known[0] > KEPT:
            where = f"{self._own.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = self._json("GET", where, {"Accept": "application/json"})
            if found.get("issuer") != self._own.issuer:
                raise _refused(f"the provider calls itself {str(found.get('issuer'))[:100]!a}")
            self._document = known = now, found
        value = known[1].get(name, default)
        if value is None:
            raise _refused(f"the provider does not say its {name}")
        if isinstance(value, str) and value and not is_safe(value):
            raise _refused(f"the provider's {name} has no TLS")
        return value

    def _json(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> dict[str, Any]:
        try:
            answer = self._ask(method, url, headers, body)
        except OSError as error:
            raise _refused(f"the provider does not answer: {error}") from error
        if answer.status != 200:
            raise _refused(f"the provider answers with status {answer.status}")
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise _refused("the provider's answer is not understood")
        return found


def asking(timeout: float = 10.0) -> Ask:
    """Requests by the network, whose answers are bounded."""
    fetcher = Fetcher(timeout, direct=False)

    def ask(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        with fetcher.server(url) as server:
            return server.ask(method, url, {"Connection": "close", **headers}, body, LARGEST)

    return ask


def _header(token: str) -> dict[str, Any]:
    part = token.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not token.isascii() or len(token) > LARGEST:
        raise _refused("the provider gave no token")
    return found


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(why: str, hint: str = HINT) -> NotSignedIn:
    return NotSignedIn(why, hint=hint)
