"""The client of a server's commands: starts one, passes on what it prints as it comes, and goes on after a broken connection."""

from __future__ import annotations

import base64
import json
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from shipway import __version__
from shipway.cli.output import say
from shipway.domain import errors
from shipway.domain.errors import Interrupted, ServerError, ShipwayError, UsageError
from shipway.domain.value import dataclass
from shipway.system.http import Connection, Response, without_answer
from shipway.system.safe_url import is_safe

PROTOCOL = 1
PLACE = "/api/v1/commands"
TIMEOUT = 30.0  # seconds of silence: the server sends a sign of life every 10 seconds
ASKING = 5.0  # seconds for the request to interrupt a command
AGAIN = 60.0  # seconds for which it is tried to reach the server again
PAUSES = (0.2, 0.5, 1.0, 2.0, 3.0)  # seconds between attempts; the last one repeats
LARGEST = 1 << 20  # bytes of an answer, and of a line
LEFT = "`shipway history` shows how it ends"


@dataclass(frozen=True)
class Request:
    """A command. claim: of --as."""

    words: list[str]
    stdin: bytes
    claim: str
    quiet: bool
    colour: bool


def run(url: str, token: str, request: Request, *, changes: bool) -> int:
    """The exit code of the command; its output is printed. ShipwayError as the server says; ServerError without an answer."""
    server = Server(url, token)
    try:
        started = server.start(request)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; whether the command was begun is not known", hint=LEFT) from None
    if started["version"] != __version__:
        note = f"note: this is Shipway {__version__}, and the server is {started['version']}: its commands count"
        say(note, err=True)
    return _Follower(server, str(started["id"]), changes).follow()


class Server:
    """A server at an address. UsageError if that is not one with TLS; this machine may do without."""

    def __init__(self, url: str, token: str) -> None:
        if not is_safe(url):
            raise UsageError(
                f"SHIPWAY_URL must begin with https://: {url}", hint="http:// is allowed on this machine only"
            )
        at = urlsplit(url)
        self.url, self._base = url.rstrip("/"), at.path.rstrip("/")
        self._host, self._tls = at.hostname or "", at.scheme == "https"
        try:
            self._port = at.port or (443 if self._tls else 80)
        except ValueError as error:
            raise UsageError(f"SHIPWAY_URL has no valid port: {url}") from error
        if not token.isascii() or not token.isprintable():
            raise UsageError("the token has characters that no token has", hint="`shipway token create` makes one")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def start(self, request: Request) -> dict[str, Any]:
        """Start the command. It is started once, also if it has to be asked for again since no answer came."""
        body = {
            "protocol": PROTOCOL, "version": __version__, "id": secrets.token_hex(16), "words": request.words,
            "stdin": base64.b64encode(request.stdin).decode(), "as": request.claim, "quiet": request.quiet,
            "colour": request.colour,
        }  # fmt: skip
        first = True
        for attempt in range(len(PAUSES)):
            try:
                return self._ask("POST", "", json.dumps(body).encode(), TIMEOUT)
            except OSError as error:
                if first and _is_before(error):
                    raise self._away(error, "nothing was begun") from error
                first = False
                if attempt == len(PAUSES) - 1:
                    raise self._away(error, f"whether the command was begun is not known: {LEFT}") from error
                time.sleep(PAUSES[attempt])
        raise AssertionError

    def interrupt(self, id: str) -> None:
        """Stop it as Ctrl-C does. OSError without an answer."""
        self._ask("POST", f"/{id}/interrupt", b"{}", ASKING)

    def output(self, id: str, after: int) -> Iterator[bytes]:
        """What it prints after that place, as it comes. OSError if the connection breaks."""
        with self._connection(TIMEOUT) as connection:
            response = connection.request("GET", f"{self._base}{PLACE}/{id}/output?after={after}", None, self._headers)
            if response.status != 200:
                raise self._refused(response)
            yield from response.chunks()

    def _ask(self, method: str, place: str, body: bytes, timeout: float) -> dict[str, Any]:
        headers = {**self._headers, "Content-Type": "application/json"}
        with self._connection(timeout) as connection:
            response = connection.request(method, f"{self._base}{PLACE}{place}", body, headers)
            if response.status != 202:
                raise self._refused(response)
            found = json.loads(response.read(LARGEST))
        assert isinstance(found, dict)
        return found

    def _connection(self, timeout: float) -> Connection:
        if not self._tls:
            return Connection(self._host, self._port, timeout)
        import ssl

        return Connection(self._host, self._port, timeout, tls=ssl.create_default_context())

    def _refused(self, response: Response) -> ShipwayError:
        """The error that an answer is: of the class that the server names, with its exit code."""
        status = response.status
        try:
            data = json.loads(response.read(LARGEST))
            name, message, hint = str(data["name"]), str(data["message"]), str(data["hint"])
        except (ValueError, KeyError, TypeError):
            name = message = hint = ""
        if status in (502, 503, 504) and name in ("", "StoreError"):  # of a proxy, or the ledger is away
            raise ConnectionError(message or f"status {status}")
        if not name or (status == 404 and message.endswith(": POST here")):
            return ServerError(
                f"{self.url} does not answer as a Shipway server of this version does: status {status}",
                hint=f"SHIPWAY_URL names a server that runs `shipway serve`, of Shipway {__version__} or newer",
            )
        kind = getattr(errors, name, ServerError)
        if not (isinstance(kind, type) and issubclass(kind, ShipwayError)):
            kind = ServerError
        found: ShipwayError = ShipwayError(message, hint=hint)
        found.exit_code = kind.exit_code
        return found

    def _away(self, error: OSError, what: str) -> ServerError:
        why = without_answer(error, TIMEOUT)
        return ServerError(
            f"{self.url} does not answer: {why}; {what}", hint="is it the address of a server that runs?"
        )


def _is_before(error: OSError) -> bool:
    """Whether the server got nothing: it has no address, refuses connections, or its certificate isn't valid."""
    import socket
    import ssl

    return isinstance(error, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError)


class _Follower:
    """Prints what a command prints."""

    def __init__(self, server: Server, id: str, changes: bool) -> None:
        self._server, self._id, self._changes = server, id, changes
        self._at = 0  # bytes of the output that were printed
        self._asked = False  # to stop

    def follow(self) -> int:
        """To its end. Returns its exit code."""
        broken, attempt = 0.0, 0
        while True:
            try:
                before = self._at
                try:
                    code = self._lines()
                except OSError as error:
                    if isinstance(error, BrokenPipeError) and getattr(error, "ours", False):
                        raise
                    code, why = None, error
                else:
                    why = ConnectionError("the connection was closed")
                if code is not None:
                    return code
                now = time.monotonic()
                if self._at > before or not broken:
                    broken, attempt = now, 0
                if now - broken > AGAIN:
                    raise ServerError(
                        f"{self._server.url} was lost: {without_answer(why, TIMEOUT)}; the command goes on there",
                        hint=LEFT,
                    )
                if attempt == 1:
                    say(f"the connection to {self._server.url} is lost; trying again", err=True)
                time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)] if attempt else 0.0)
                attempt += 1
            except KeyboardInterrupt:
                self._interrupted()

    def _lines(self) -> int | None:
        """The exit code; None if the connection ended before."""
        begun = b""
        for part in self._server.output(self._id, self._at):
            *lines, begun = (begun + part).split(b"\n")
            if len(begun) > LARGEST:
                raise ServerError(f"{self._server.url} does not answer as a Shipway server does: a line without an end")
            for line in lines:
                if line:
                    code = self._line(line)
                    if code is not None:
                        return code
        return None

    def _line(self, line: bytes) -> int | None:
        try:
            found = json.loads(line)
            if "exit" in found:
                return int(found["exit"])
            if "lost" in found:
                raise ServerError("the command died at the server", hint=LEFT)
            to, data = int(found["to"]), str(found["data"]).encode("utf-8", "surrogateescape")
        except (ValueError, KeyError, TypeError) as error:
            raise ServerError(f"{self._server.url} does not answer as a Shipway server does: {line[:80]!r}") from error
        self._at += len(line) + 1
        try:
            _write(to, data)
        except BrokenPipeError as error:
            error.ours = True  # type: ignore[attr-defined]
            if not self._changes:
                self._stop()
            raise
        return None

    def _interrupted(self) -> None:
        """Ctrl-C: the first one is passed on, the second one leaves the command to the server."""
        if self._asked:
            what = "the command goes on at the server" if self._changes else "interrupted"
            raise Interrupted(f"interrupted; {what}", hint=LEFT if self._changes else "")
        self._asked = True
        try:
            stopped = self._stop()
        except KeyboardInterrupt:  # they don't want to wait
            stopped = False
        if not stopped:
            raise Interrupted(
                "interrupted, but the server did not answer: the command goes on there",
                hint=f"{LEFT}; `shipway cancel` stops a deployment",
            )
        if self._changes:
            say("the server was asked to stop it, and cleans up; Ctrl-C again leaves it to the server", err=True)

    def _stop(self) -> bool:
        try:
            self._server.interrupt(self._id)
        except (OSError, ShipwayError):
            return False
        return True


def _write(to: int, data: bytes) -> None:
    """As the command wrote it, in the characters of the terminal."""
    stream = sys.stderr if to == 2 else sys.stdout
    if (stream.encoding or "").lower().replace("-", "") == "utf8":
        stream.buffer.write(data)
    else:
        stream.write(data.decode("utf-8", "replace"))
    stream.flush()
