"""THE HTTP client: version 1.1 over TCP, TLS, a unix socket, or a tunnel to another host.

The standard library's client is imported on the first request: that takes longer than all other imports of a command.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from shipway.domain.value import dataclass

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPConnection, HTTPMessage, HTTPResponse

    from shipway.ports import Dial

CHUNK = 1 << 16  # bytes
LONGEST = 3600.0  # seconds of a Retry-After that are believed
CONNECT_TIMEOUT = 10.0  # seconds, if the server may be silent without limit afterwards


class ProtocolError(ConnectionError):
    """The other side does not speak HTTP, or its response ended early."""


@dataclass(frozen=True)
class Answer:
    """A complete response."""

    status: int
    headers: HTTPMessage  # names in any case
    body: bytes


class Response:
    """A response whose body is not read yet. Reading raises OSError."""

    def __init__(self, raw: HTTPResponse) -> None:
        self._raw = raw
        self.status = raw.status
        self.headers: HTTPMessage = raw.headers  # names in any case

    def chunks(self) -> Iterator[bytes]:
        """The body in chunks as they arrive."""
        rest = self._raw.length  # None: until the connection ends, or the last chunk
        while rest is None or rest > 0:
            try:
                chunk = self._raw.read1(CHUNK)
            except Exception as error:
                _raise_protocol_error(error)
                raise
            if rest is not None:
                rest -= len(chunk)
            if not chunk:
                break
            yield chunk
        if rest:
            raise ProtocolError(f"the response ended {rest} bytes early")
        self.close()

    def read(self, most: int | None = None) -> bytes:
        """The whole body, or its first `most` bytes."""
        try:
            return self._raw.read(most)
        except Exception as error:
            _raise_protocol_error(error)
            raise

    @property
    def ended(self) -> bool:
        """Whether the body was read to its end."""
        return self._raw.isclosed()

    def close(self) -> None:
        """Discard the rest of the body."""
        self._raw.close()


class Connection:
    """A connection to a server. It is opened by the first request, kept for further ones as long as the server permits
    and each response was read to its end, and opened again if it was closed. Not thread-safe.

    timeout: seconds for connecting, and for each silence of the server after that; None: it may be silent without limit.
    dial: connects to (host, port). tls: encrypts the connection, to a server of the name `server_name` [host].
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float | None,
        *,
        dial: Dial = socket.create_connection,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        self._address = (host, port)
        self._timeout = timeout
        self._dial = dial
        self._tls = tls
        self._server_name = server_name or host
        self._http: HTTPConnection | None = None
        self._response: Response | None = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def request(
        self,
        method: str,
        target: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request; the body of its response is not read yet. An iterator is sent chunk by chunk as it yields. OSError
        without a response, and whatever `dial` and the iterator raise; the connection is then closed."""
        try:
            http = self._connected()
            try:
                http.request(method, target, body, dict(headers or {}))
            except (BrokenPipeError, ConnectionResetError):
                if body is None:
                    raise  # otherwise the server rejected it before reading everything: its response says why
            self._response = Response(http.getresponse())
            return self._response
        except BaseException as error:
            self.close()
            _raise_protocol_error(error)
            raise

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int | None = None,
    ) -> Answer:
        """Send a request and read its whole response. OSError without one, or if it has more than `most` bytes; the
        connection is then closed."""
        response = self.request(method, target, body, headers)
        try:
            found = response.read(None if most is None else most + 1)
            if most is not None and len(found) > most:
                raise ProtocolError(f"the response has more than {most} bytes")
            return Answer(response.status, response.headers, found)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, and discard the rest of a response. Idempotent."""
        if self._response is not None:
            self._response.close()
            self._response = None
        if self._http is not None:
            self._http.close()

    def _connected(self) -> HTTPConnection:
        if self._response is not None and not self._response.ended:
            self.close()  # otherwise its rest would be read as the next response
        if self._http is None:
            from http.client import HTTPConnection

            self._http = HTTPConnection(*self._address)
        if self._http.sock is None:
            self._http.sock = self._connect()
        return self._http

    def _connect(self) -> socket.socket:
        connected = self._dial(self._address, CONNECT_TIMEOUT if self._timeout is None else self._timeout)
        connected.settimeout(self._timeout)
        if connected.family in (socket.AF_INET, socket.AF_INET6):  # else a body waits 40 ms for the head's ACK
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._tls.wrap_socket(connected, server_hostname=self._server_name) if self._tls else connected


def dial_through_proxy(proxy: tuple[str, int], headers: Mapping[str, str]) -> Dial:
    """A Dial through an HTTP proxy, by its CONNECT method. headers: for the proxy only."""

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        from http.client import HTTPConnection

        asked = HTTPConnection(*proxy, timeout=timeout)
        asked.set_tunnel(*address, headers=headers)
        try:
            asked.connect()
        except BaseException:
            asked.close()
            raise
        assert asked.sock is not None
        return asked.sock

    return dial


def retry_after(answer: Answer, now: float) -> float:
    """Seconds until the next request, as the server says; 0 if it says nothing."""
    from email.utils import parsedate_to_datetime

    text = answer.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text) if text.replace(".", "", 1).isdecimal() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST)


def without_answer(error: OSError, timeout: float) -> str:
    """Why a request has no answer. timeout: what it had."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    return error.strerror or str(error) or type(error).__name__


def _raise_protocol_error(error: BaseException) -> None:
    """Raise it instead of the standard library's error, if that is none of the connection."""
    from http.client import HTTPException

    # A UnicodeError: what was to be sent is not in ASCII (a target) or Latin-1 (a header).
    if isinstance(error, HTTPException | UnicodeError) and not isinstance(error, OSError):
        raise ProtocolError(str(error) or type(error).__name__) from error
