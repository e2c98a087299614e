"""A visitor of a public address: requests and TLS handshakes, over any connection."""

from __future__ import annotations

import ssl
import time
import warnings
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from shipway.domain.system_test import Handshake, Page
from shipway.ports import Dial
from shipway.system.http import Connection

BODY = 1 << 16  # bytes read of a response
TIMEOUT = 10.0  # seconds
AGENT = "shipway-system-test"
VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1, "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip


class Visitor:
    """Requests a public address. dial: connects to (host name, port) as a visitor's machine would. authority: PEM of CAs
    to trust beside the usual ones."""

    def __init__(self, dial: Dial, authority: str = "", timeout: float = TIMEOUT) -> None:
        self._dial, self._authority, self._timeout = dial, authority, timeout

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """One GET without following redirects. The certificate is not verified here: `handshake` does. OSError without a
        response."""
        with self.connection(url) as connection:
            response = connection.request(
                "GET", _target(url), headers={"Host": host_of(url), "User-Agent": AGENT, **(headers or {})}
            )
            deadline = time.monotonic() + self._timeout
            body = b""
            for chunk in response.chunks():
                body += chunk
                if len(body) >= BODY or time.monotonic() > deadline:
                    break
            return Page(response.status, {name.lower(): value for name, value in response.headers.items()}, body[:BODY])

    def sender(self, url: str) -> Callable[[], str]:
        """Repeats one request on a connection of its own; returns an error or an empty text."""
        connection = self.connection(url)
        headers = {"Host": host_of(url), "User-Agent": AGENT}

        def send() -> str:
            answer = connection.ask("GET", _target(url), headers=headers)
            return "" if answer.status < 400 else f"status {answer.status}"

        return send

    def connection(self, url: str) -> Connection:
        """A connection to the url's host."""
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        tls = _context(verified=False) if secure else None
        return Connection(
            host, parts.port or (443 if secure else 80), self._timeout, dial=self._dial, tls=tls, server_name=host
        )

    def handshake(self, host: str, port: int, version: str | None = None, *, verified: bool = True) -> Handshake:
        """A TLS handshake that verifies chain and name; with `version` only whether the server accepts it."""
        context = _context(verified and not version)
        if self._authority:
            context.load_verify_locations(cadata=self._authority)
        if version:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = VERSIONS[version]
            context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            with self._dial((host, port), self._timeout) as raw:
                raw.settimeout(self._timeout)
                with context.wrap_socket(raw, server_hostname=host) as tls:
                    return _described(tls)
        except ssl.SSLError as error:
            able = error.reason not in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE")
            return Handshake(problem=_words(error), able=able)
        except OSError as error:
            return Handshake(problem=str(error) or type(error).__name__)


def _context(verified: bool) -> ssl.SSLContext:
    """The authorities of this machine are read only where they are needed: it takes as long as a short command."""
    if verified:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def host_of(url: str) -> str:
    """The Host header of a request: with a port that is not the usual one."""
    parts = urlsplit(url)
    usual = parts.port in (None, 443 if parts.scheme == "https" else 80)
    return (parts.hostname or "") if usual else f"{parts.hostname}:{parts.port}"


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _words(error: ssl.SSLError) -> str:
    return getattr(error, "verify_message", "") or (error.reason or str(error)).replace("_", " ").lower()


def _described(tls: ssl.SSLSocket) -> Handshake:
    from cryptography import x509

    der = tls.getpeercert(binary_form=True) or b""
    found = x509.load_der_x509_certificate(der)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        known = ()
    issuers = {item.oid: str(item.value) for item in found.issuer}
    issuer = issuers.get(x509.NameOID.ORGANIZATION_NAME) or issuers.get(x509.NameOID.COMMON_NAME) or ""
    return Handshake(
        version=tls.version() or "", names=known, issuer=issuer, expires=found.not_valid_after_utc.timestamp()
    )
