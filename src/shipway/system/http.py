"""One HTTP or TCP probe, told in words."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BODY = 200  # characters of an error's body that are quoted


@dataclass(frozen=True)
class Probe:
    """What was seen; status is None where no HTTP answer came."""

    ok: bool
    status: int | None
    detail: str


def probe(host: str, port: int, path: str, timeout: float, headers: Mapping[str, str] | None = None) -> Probe:
    """One GET without following redirects; 200 to 299 is ok. Takes at most `timeout` seconds in all."""
    connection = _Connection(host, port, timeout)
    try:
        connection.request("GET", path, headers={"User-Agent": "shipway", "Connection": "close", **(headers or {})})
        response = connection.getresponse()
        return _told(response, path)
    except TimeoutError:
        return Probe(False, None, f"no answer within {timeout:g} s")
    except http.client.RemoteDisconnected:
        return Probe(False, None, "connection closed without an answer")
    except http.client.HTTPException as error:
        return Probe(False, None, f"no HTTP answer: {type(error).__name__} {error}".rstrip())
    except OSError as error:
        return Probe(False, None, _why(error, host))
    finally:
        connection.close()


def probe_tcp(host: str, port: int, timeout: float) -> Probe:
    """Whether the port takes connections."""
    try:
        socket.create_connection((host, port), timeout).close()
    except TimeoutError:
        return Probe(False, None, f"no answer within {timeout:g} s")
    except OSError as error:
        return Probe(False, None, _why(error, host))
    return Probe(True, None, "takes connections")


def _told(response: http.client.HTTPResponse, path: str) -> Probe:
    status = response.status
    if 200 <= status <= 299:
        return Probe(True, status, f"{status} {response.reason}".rstrip())
    if 300 <= status <= 399:
        to = response.getheader("Location")
        return Probe(False, status, f"{status} redirect to {to}: give the final path" if to else f"{status} redirect")
    if status == 404:
        return Probe(False, status, f"404: nothing at {path}")
    try:
        body = response.read(BODY * 4).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        body = ""  # the status alone is told
    text = " ".join(body.split())[:BODY]
    return Probe(False, status, f"{status}: {text or response.reason}")


def _why(error: OSError, host: str) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "connection closed without an answer"
    if isinstance(error, socket.gaierror):
        return f"the name {host} has no address"
    return (error.strerror or str(error)).lower()


class _Connection(http.client.HTTPConnection):
    """With one deadline for everything: http.client's own time-out begins anew with each byte that comes."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._deadline = time.monotonic() + timeout

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Socket(self.sock, self._deadline)


class _Socket:
    """The part of a socket that http.client uses."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._deadline))

    def close(self) -> None:
        self._sock.close()


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)
