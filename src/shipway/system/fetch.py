"""Requests by URL: through the proxy of the environment variables, following redirects."""

from __future__ import annotations

import base64
import socket
import string
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from shipway.ports import Dial
from shipway.system.http import Answer, Connection, dial_through_proxy

if TYPE_CHECKING:
    import ssl

PORTS = {"http": 80, "https": 443}
REDIRECTS = 10  # followed in a row
AGENT = "shipway"


class Fetcher:
    """Sends requests, each on a connection of its own. Thread-safe.

    timeout: seconds for connecting, and for each silence of the server. direct: don't use the environment's proxy.
    authorities: files with certificates of authorities that are trusted beside those of this machine.
    """

    def __init__(self, timeout: float, *, direct: bool, authorities: Sequence[Path] = ()) -> None:
        self._timeout = timeout
        self._authorities = authorities
        self._direct = direct

    def fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        private: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request and follow redirects, unless they would repeat an upload. private: headers that are not sent to
        the target of a redirect. OSError without a response, or if the address is invalid."""
        answer = self._once(method, url, {**headers, **(private or {})}, body)
        for _ in range(REDIRECTS):
            target = _redirected(method, url, answer)
            if target is None:
                break
            method, url = "HEAD" if method == "HEAD" else "GET", target
            answer = self._once(method, url, {key: headers[key] for key in headers if key != "Content-Type"})
        return answer

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        with self.server(url) as server:
            return server.ask(method, url, {"Connection": "close", **headers}, body)

    def server(self, url: str) -> Server:
        """The server of a URL, for several requests on one connection. OSError if the address is invalid."""
        try:
            server = urlsplit(url)
            proxy = None if self._direct else _proxy(server)
            host, port = _address(server)
            through = _address(proxy) if proxy else None
        except ValueError as error:
            raise OSError(f"invalid address: {error}") from error
        sent: dict[str, str] = {}
        whole = False
        tls = self._tls if server.scheme == "https" else None
        dial: Dial = socket.create_connection
        if proxy and through and tls:
            dial = dial_through_proxy(through, _login(proxy))
        elif proxy and through:
            (host, port), whole = through, True
            sent = _login(proxy)
            tls = self._tls if proxy.scheme == "https" else None
        return Server(Connection(host, port, self._timeout, dial=dial, tls=tls), sent, whole=whole)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Verifies certificates by the CAs of this machine. Reading them takes long."""
        import ssl

        context = ssl.create_default_context()
        for file in self._authorities:
            context.load_verify_locations(file)
        context.set_alpn_protocols(["http/1.1"])
        return context


class Server:
    """A connection to one server, which is kept. Follows no redirects. Not thread-safe."""

    def __init__(self, connection: Connection, headers: Mapping[str, str], *, whole: bool) -> None:
        self._connection, self._headers, self._whole = connection, headers, whole

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, most: int | None = None
    ) -> Answer:
        """Send a request for a URL of this server. OSError without a response, or if it has more than `most` bytes."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": AGENT, **headers, **self._headers}
        return self._connection.ask(method, url.partition("#")[0] if self._whole else target, body, sent, most)


def _address(url: SplitResult) -> tuple[str, int]:
    if url.scheme not in PORTS:
        raise ValueError(f"{url.scheme or 'it'} is neither http nor https")
    return url.hostname or "", url.port or PORTS[url.scheme]


def _proxy(server: SplitResult) -> SplitResult | None:
    """The proxy for a server, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case."""
    from urllib.request import getproxies, proxy_bypass  # its import takes long

    named = getproxies().get(server.scheme)
    if not named or proxy_bypass(server.netloc):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _login(proxy: SplitResult) -> dict[str, str]:
    if not (proxy.username and proxy.password):
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password)}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _redirected(method: str, url: str, answer: Answer) -> str | None:
    """The address to request instead; None if there is none, or it must not be requested without asking."""
    followed = {"GET": (301, 302, 303, 307, 308), "HEAD": (301, 302, 303, 307, 308), "POST": (301, 302, 303)}
    location = answer.headers.get("Location")
    if location is None or answer.status not in followed.get(method, ()):
        return None
    target = urljoin(url, quote(location, safe=string.punctuation, encoding="iso-8859-1"))
    return target if urlsplit(target).scheme in PORTS else None
