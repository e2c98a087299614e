"""Query through the edge's public ports which configuration is in effect."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipway.domain.container import Publish
from shipway.drivers.edge.control import Control
from shipway.drivers.edge.dynamic import (
    HEADER_RELEASE,
    HEADER_ROUTES,
    HEADER_TOKEN,
    Public,
    mark,
    public,
    reach,
    table_version,
)
from shipway.ports import Dial
from shipway.system.http import Answer, Connection

INTERVAL = 0.003
TIMEOUT = 5.0  # seconds for connecting, and for each silence: the next query comes soon
ACME = 60.0  # seconds for a certificate beyond the deadline
END = "-----END CERTIFICATE-----"
UNREACHABLE = (502, 504)  # the edge's own responses if the container is unreachable

ProofRequest = Callable[[], str | None]  # None if satisfied; else a message


class Asker:
    """Queries the edge's public ports, on connections kept open until it is closed."""

    def __init__(self, dial: Dial, deadline: float, token: str = "") -> None:
        """token: of the edge's container, for what is private."""
        self._dial = dial
        self._token = token
        self._deadline = deadline
        self._open: dict[tuple[str, int, str], Connection] = {}

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *error: object) -> None:
        for connection in self._open.values():
            connection.close()

    def listens(self, port: Publish) -> ProofRequest:
        """Whether the edge serves this port."""

        def ask() -> None:
            self._get(port, Public("shipway.invalid", port.host_port), "/")

        return ask

    def shows(self, where: Public, path: str, wanted: str, port: Publish) -> ProofRequest:
        """Whether a mark shows this version."""

        def ask() -> str | None:
            answer = self._get(port, where, path)
            shown = answer.headers.get(HEADER_ROUTES)
            return None if shown == wanted else f"other routes are still in effect ({answer.status})"

        return ask

    def passes(self, where: Public, path: str, port: Publish) -> ProofRequest:
        """Whether the listener forwards to an edge with this mark."""

        def ask() -> str | None:
            answer = self._get(port, where, path)
            if HEADER_ROUTES in answer.headers:
                return None
            self.__exit__()  # it answers itself until it has read where to forward connections
            self._open.clear()
            return f"it does not reach the edge's routes yet ({answer.status})"

        return ask

    def shows_nothing(self, where: Public, path: str, port: Publish) -> ProofRequest:
        """Whether a mark is gone."""

        def ask() -> str | None:
            answer = self._get(port, where, path)
            return "they are still in effect" if HEADER_ROUTES in answer.headers else None

        return ask

    def certified(self, where: Public, port: Publish, authorities: str | None) -> ProofRequest:
        """Whether a browser that trusts these CAs (PEM; None: those of this machine) accepts the certificate."""

        def ask() -> str | None:
            context = ssl.create_default_context(cadata=authorities)
            with self._dial((_local(port), port.host_port), TIMEOUT) as plain:
                try:
                    context.wrap_socket(plain, server_hostname=where.sample).close()
                except ssl.SSLCertVerificationError as error:
                    return f"the certificate for {where.host} is not valid: {error.verify_message}"
            return None

        return ask

    def issued(self, where: Public, port: Publish) -> ProofRequest:
        """Whether there is a certificate for its name, from any issuer."""

        def ask() -> str | None:
            plain = self._dial((_local(port), port.host_port), TIMEOUT)
            with plain, _unverified().wrap_socket(plain, server_hostname=where.host) as encrypted:
                shown = encrypted.getpeercert(binary_form=True) or b""
            return None if where.host.encode() in shown else f"there is no certificate for {where.host} yet"

        return ask

    def has_certificate(self, control: Control, where: Public, port: Publish, own: str | None) -> str | None:
        """None as soon as there is a certificate that browsers accept, or the plan's own one, else a message."""
        if own is not None:
            return self.until(self.shown(where, port, own))
        if where.internal:
            return self.until(self.certified(where, port, control.authority()))
        trust = where.tls["acme"].get("trust") if where.tls else None
        if trust:
            return self.until(self.issued(where, port), patience=ACME)
        return self.until(self.certified(where, port, None), patience=ACME)

    def shown(self, where: Public, port: Publish, certificate: str) -> ProofRequest:
        """Whether it presents this certificate (PEM, with its chain) for the name."""
        own = ssl.PEM_cert_to_DER_cert(certificate[: certificate.index(END) + len(END)].strip())

        def ask() -> str | None:
            plain = self._dial((_local(port), port.host_port), TIMEOUT)
            with plain, _unverified().wrap_socket(plain, server_hostname=where.sample) as encrypted:
                presented = encrypted.getpeercert(binary_form=True)
            if presented == own:
                return None
            return f"the certificate in the plan's secret is not valid for {where.host}, or its key is another one"

        return ask

    def routed(self, owner: str, table: Mapping[str, Any], port: Publish, admitted: Sequence[str] = ()) -> ProofRequest:
        """Whether it routes by this table."""
        return self.shows(public(table), mark(owner), table_version(table, admitted), port)

    def reached(self, owner: str, table: Mapping[str, Any], port: Publish) -> list[ProofRequest]:
        """Whether a container of each release on the first route answers."""

        def question(group: Mapping[str, Any]) -> ProofRequest:
            def ask() -> str | None:
                answer = self._health(port, owner, table, group["release"])
                if answer.status in UNREACHABLE:
                    return f"it can't reach {group['upstreams'][0]} ({answer.status})"
                shown = answer.headers.get(HEADER_RELEASE)
                return (
                    None if shown == str(group["release"]) else f"release {shown} answers instead of {group['release']}"
                )

            return ask

        return [question(group) for group in table["routes"][0]["groups"]]

    def probe(self, owner: str, table: Mapping[str, Any], release: int, port: Publish) -> str | None:
        """Send one request to a release of the first route. None if it succeeds, else a message."""
        try:
            answer = self._health(port, owner, table, release)
        except OSError as error:
            return f"no answer ({error or type(error).__name__})"
        if answer.headers.get(HEADER_RELEASE) != str(release):
            return f"release {release} gets no requests"
        return None if 200 <= answer.status <= 299 else str(answer.status)

    def until(self, *questions: ProofRequest, patience: float = 0.0) -> str | None:
        """Repeat each question until it is satisfied. None, or the last message at the deadline; patience: seconds
        beyond that."""
        end = time.monotonic() + self._deadline + patience
        for ask in questions:
            while True:
                try:
                    seen = ask()
                except OSError as error:
                    seen = f"no answer ({error or type(error).__name__})"
                if seen is None:
                    break
                if time.monotonic() > end:
                    return seen
                time.sleep(INTERVAL)
        return None

    def _health(self, port: Publish, owner: str, table: Mapping[str, Any], release: int) -> Answer:
        """Request the health path of a release on the first route."""
        first = table["routes"][0]
        headers = {**first.get("headers", {}), **({HEADER_TOKEN: self._token} if "access" in table else {})}
        return self._get(port, public(table), reach(owner, release, str(first["health"])), headers)

    def _get(self, port: Publish, where: Public, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        name = where.host if where.tls is not None else ""
        key = (_local(port), port.host_port, name)
        if key not in self._open:
            tls = _unverified() if name else None
            self._open[key] = Connection(*key[:2], TIMEOUT, dial=self._dial, tls=tls, server_name=name)
        return self._open[key].ask("GET", path, headers={"Host": where.authority, **(headers or {})})


def _unverified() -> ssl.SSLContext:
    """A context that accepts any certificate: whether it is the right one is another question."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _local(port: Publish) -> str:
    """Address of a port on its own machine."""
    return "127.0.0.1" if port.address in ("", "0.0.0.0") else port.address
