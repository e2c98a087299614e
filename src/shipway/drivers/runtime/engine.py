"""A thin client of the Docker Engine's HTTP API.

Standard library only: importing Docker's own SDK takes longer than `shipway status` may take in total. Each call has
its own connection (0.1 ms on a unix socket), so that any number of threads may share a client and a broken stream
affects no other call.
"""

from __future__ import annotations

import functools
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from shipway.domain.disk import is_full, relief
from shipway.domain.errors import DiskFull, EngineError
from shipway.drivers.runtime.commands import COMMANDS
from shipway.drivers.runtime.endpoint import Endpoint, find, of_address
from shipway.drivers.runtime.raw import ANSWER, BOTH_WAYS, STREAM, RawStream, call
from shipway.system.http import Connection, Response
from shipway.system.unix_socket import connect_unix

CONNECT_TIMEOUT = 10.0
# The oldest version that Docker 29 still supports; older engines use their own newest one.
API_VERSION = (1, 44)


class EngineRefused(EngineError):
    """The engine answered a call with an error; `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class EngineTimeout(EngineError):
    """The engine was silent for longer than the call allows."""


class Reply:
    """An answer of the engine whose body is not read yet."""

    def __init__(self, connection: Connection, response: Response, address: str) -> None:
        self._connection = connection
        self._response = response
        self._address = address
        self.status = response.status
        self.headers = response.headers

    def chunks(self) -> Iterator[bytes]:
        """The body in chunks as they arrive."""
        chunks = self._response.chunks()
        while True:
            with translated(self._address):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def read(self) -> bytes:
        """The whole body."""
        with translated(self._address):
            return self._response.read()

    def close(self) -> None:
        """Discard the rest of the body."""
        self._connection.close()


class Engine:
    """An engine at an address: unix:///path or tcp://host:port; by default the docker command's own, see `endpoint`.

    dial: connects to it if its address is of another kind, which only the docker client understands.
    """

    def __init__(self, address: str = "", *, dial: Callable[[], socket.socket] | None = None) -> None:
        self._given = address
        self._dial = dial
        self._prefix = ""

    @functools.cached_property
    def endpoint(self) -> Endpoint:
        """Found on first use. EngineError if settings name one that doesn't exist."""
        if self._dial:
            return Endpoint(self._given)
        return of_address(self._given) if self._given else find()

    @property
    def address(self) -> str:
        """The address, which identifies the engine."""
        return self.endpoint.address

    @property
    def is_local(self) -> bool:
        """Whether it is this machine's, as far as its address shows."""
        return self._dial is None and self.address.startswith("unix:")

    @property
    def api(self) -> tuple[int, ...]:
        """The version of the API that is used."""
        if not self._prefix:
            self._prefix = self._negotiate()
        return tuple(int(part) for part in self._prefix.removeprefix("/v").split("."))

    def variables(self) -> dict[str, str]:
        """Environment variables by which the docker command reaches it."""
        return self.endpoint.variables()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        timeout: float = 60.0,
        fine: tuple[int, ...] = (),
    ) -> Any:
        """One call with JSON in and out. Statuses in `fine` count as success and return None.

        timeout: seconds that the engine may be silent.
        """
        with closing(self._call(method, path, query, body, timeout)) as found, translated(self.address):
            content = found.content()
        if found.status >= 300 and found.status not in fine:
            raise _refusal(_message(content, found.status), found.status)
        try:
            return json.loads(content) if found.status < 300 and content else None
        except ValueError as error:
            raise EngineError(
                f"Docker at {self.address} sent an incomplete answer to {method} {path}: {error}",
                hint=f"check that it is running: docker -H {self.address} version",
            ) from error

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 60.0,
        fine: tuple[int, ...] = (),
    ) -> Iterator[Reply]:
        """A call with a streamed response. Bytes and iterators are sent as they are, all else as JSON.

        timeout: seconds that the engine may be silent; None is unlimited.
        """
        if not self._prefix:
            self._prefix = self._negotiate()
        reply = self._send(method, self._prefix + path, query, body, headers, timeout)
        try:
            if reply.status >= 300 and reply.status not in fine:
                raise _refusal(_message(reply.read(), reply.status), reply.status)
            yield reply
        finally:
            reply.close()

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        upgrade: bool = False,
    ) -> RawStream:
        """A call whose connection stays open as a stream, which the caller closes. The engine may be silent without
        limit once it has answered. upgrade: both sides send."""
        found = self._call(method, path, query, body, kind=BOTH_WAYS if upgrade else STREAM)
        try:
            if found.status >= 300:
                with translated(self.address):
                    content = found.content()
                raise _refusal(_message(content, found.status), found.status)
            found.limit(None)
        except BaseException:
            found.close()
            raise
        return found

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        timeout: float = 60.0,
        *,
        kind: str = ANSWER,
    ) -> RawStream:
        """A call whose answer begins, whatever its status. kind: see `raw.KINDS`."""
        if not self._prefix:
            self._prefix = self._negotiate()
        content, _ = _encoded(body)
        assert content is None or isinstance(content, bytes)
        return self._begin(method, _target(self._prefix + path, query), content, timeout, kind)

    def _begin(self, method: str, target: str, content: bytes | None, timeout: float, kind: str = ANSWER) -> RawStream:
        connection = self._connect()
        try:
            with translated(self.address):
                return call(connection, method, target, content, kind=kind, timeout=timeout)
        except BaseException:
            connection.close()
            raise

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None,
        body: object,
        headers: Mapping[str, str] | None,
        timeout: float | None,
    ) -> Reply:
        content, kind = _encoded(body)
        connection = Connection("localhost", 80, timeout, dial=self._connect)
        with translated(self.address):
            response = connection.request(method, _target(path, query), content, {**kind, **(headers or {})})
        return Reply(connection, response, self.address)

    def _negotiate(self) -> str:
        with closing(self._begin("GET", "/_ping", None, CONNECT_TIMEOUT)) as found:
            newest = tuple(int(part) for part in (found.header("Api-Version") or "1.40").split("."))
        return "/v{}.{}".format(*min(newest, API_VERSION))

    def _connect(self, *_: object) -> socket.socket:
        """A Dial to the engine, whatever the address."""
        if self._dial:
            return self._dial()
        end = self.endpoint
        parts = urlsplit(end.address)
        try:
            if parts.scheme == "unix":
                return connect_unix(parts.path, CONNECT_TIMEOUT)
            if parts.scheme in ("tcp", "http", "https") and parts.hostname:
                return end.wrap(socket.create_connection((parts.hostname, end.port), timeout=CONNECT_TIMEOUT))
        except OSError as error:
            raise _unreachable(end, error) from error
        raise _unknown(end)


def _unreachable(end: Endpoint, error: OSError) -> EngineError:
    import ssl  # its import takes long, and every command imports this module

    if isinstance(error, PermissionError):
        return EngineError(
            f"Docker denies access to {_named(end)}",
            hint="add yourself to the docker group (sudo usermod -aG docker $USER, then log in again) or use sudo",
        )
    if isinstance(error, ssl.SSLError):
        return EngineError(
            f"Docker at {_named(end)}: TLS failed: {getattr(error, 'verify_message', '') or error.reason or error}",
            hint=f"its certificates are expected in {end.certificates} (ca.pem, cert.pem, key.pem): see DOCKER_CERT_PATH",
        )
    return EngineError(
        f"Docker isn't running: nothing answers at {_named(end)} ({error.strerror or error})",
        hint="start it: `sudo systemctl start docker`; for an engine on another machine set DOCKER_HOST or "
        "`docker context use`",
    )


def _unknown(end: Endpoint) -> EngineError:
    hint = "set DOCKER_HOST to unix:///path or tcp://host:port"
    if end.address.startswith("ssh:"):
        hint = f"write `hosts: [{end.address}]` into the environment of the plan; images are built by this machine's own engine"
    return EngineError(f"can't connect to a Docker Engine at {_named(end)}", hint=hint)


def _named(end: Endpoint) -> str:
    return f"{end.address} ({end.source})" if end.source else end.address


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raise an EngineError instead of errors of the connection."""
    try:
        yield
    except TimeoutError as error:
        raise EngineTimeout(f"Docker at {address} did not answer in time") from error
    except OSError as error:
        hint = f"check that it is running: docker -H {address} version"
        raise EngineError(f"the connection to Docker at {address} was lost: {error!r}", hint=hint) from error


def _refusal(message: str, status: int) -> EngineError:
    if is_full(message):
        return DiskFull(f"Docker has no space left: {message}", hint=relief(COMMANDS))
    return EngineRefused(message, status)


def _target(path: str, query: Mapping[str, object] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def segment(name: str) -> str:
    """A name as one path segment."""
    return quote(name, safe="")


def _encoded(body: object) -> tuple[bytes | Iterator[bytes] | None, dict[str, str]]:
    if body is None:
        return None, {}
    if isinstance(body, (bytes, Iterator)):
        return body, {"Content-Type": "application/x-tar"}
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def _message(content: bytes, status: int) -> str:
    try:
        return str(json.loads(content)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip() or f"Docker returned HTTP status {status}"
