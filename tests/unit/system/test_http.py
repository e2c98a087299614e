"""The HTTP client against scripted servers: streams in both directions, and how each exchange can fail."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.ports import Dial
from shipway.system.http import Connection, ProtocolError
from tests.unit.certificates import certificate

Serve = Callable[[socket.socket], None]


def dialling(serve: Serve, opened: list[socket.socket] | None = None) -> Dial:
    """Connects to `serve`, which gets the other end of each connection in a thread, and closes it at its end."""

    def run(theirs: socket.socket) -> None:
        with theirs, suppress(OSError):  # the client may go first
            serve(theirs)

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        ours, theirs = socket.socketpair()
        if opened is not None:
            opened.append(ours)
        threading.Thread(target=run, args=(theirs,), daemon=True).start()
        return ours

    return dial


def until(end: bytes, theirs: socket.socket) -> bytes:
    """What arrives up to these bytes."""
    found = b""
    while not found.endswith(end):
        one = theirs.recv(1)
        if not one:
            raise ConnectionResetError
        found += one
    return found


def answering(*parts: bytes) -> Serve:
    """Sends these parts as soon as the head of a request is there."""

    def serve(theirs: socket.socket) -> None:
        until(b"\r\n\r\n", theirs)
        for part in parts:
            theirs.sendall(part)

    return serve


def connection(serve: Serve, timeout: float | None = 5.0) -> Connection:
    return Connection("shop.example", 8000, timeout, dial=dialling(serve))


def test_an_upload_is_sent_while_it_is_made() -> None:
    arrived = threading.Event()
    seen: list[bytes] = []

    def serve(theirs: socket.socket) -> None:
        seen.append(until(b"\r\n\r\n", theirs))
        seen.append(until(b"first\r\n", theirs))
        arrived.set()
        seen.append(until(b"0\r\n\r\n", theirs))
        theirs.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    def body() -> Iterator[bytes]:
        yield b"first"
        assert arrived.wait(5)
        yield b""
        yield b"second"

    with connection(serve) as to:
        assert to.request("PUT", "/archive", body(), {"X-Kind": "tar"}).status == 201
    head = seen[0].decode().split("\r\n")
    assert head[0] == "PUT /archive HTTP/1.1"
    assert {"Host: shop.example:8000", "X-Kind: tar", "Transfer-Encoding: chunked"} <= set(head)
    assert seen[1:] == [b"5\r\nfirst\r\n", b"6\r\nsecond\r\n0\r\n\r\n"]


def test_an_upload_that_fails_here_is_not_taken_for_complete() -> None:
    received: list[bytes] = []

    def serve(theirs: socket.socket) -> None:
        while data := theirs.recv(1000):
            received.append(data)
        ended.set()

    def body() -> Iterator[bytes]:
        yield b"first"
        raise LookupError("no second part")

    ended = threading.Event()
    with connection(serve) as to, pytest.raises(LookupError):
        to.request("PUT", "/", body())
    assert ended.wait(5)
    assert b"".join(received).endswith(b"5\r\nfirst\r\n")


def test_a_rejection_before_the_upload_is_complete_is_the_response() -> None:
    opened: list[socket.socket] = []

    def serve(theirs: socket.socket) -> None:
        until(b"\r\n\r\n", theirs)
        theirs.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        theirs.shutdown(socket.SHUT_RD)
        done.wait(0.5)

    done = threading.Event()
    with Connection("x", 80, 5.0, dial=dialling(serve, opened)) as to:
        response = to.request("PUT", "/", iter([bytes(1 << 20)] * 100))
        assert (response.status, response.read()) == (413, b"big")
    done.set()


@pytest.mark.parametrize(
    ("parts", "body"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", b"abc", b"def"), b"abcdef"),
        ((b"HTTP/1.1 200 OK\r\n\r\nabc", b"def"), b"abcdef"),  # it has no length: it ends with the connection
        ((b"HTTP/1.0 200 OK\r\n\r\n", b"abc"), b"abc"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n"), b"abcdef"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b""),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), b"a"),
    ],
)
def test_bodies(parts: tuple[bytes, ...], body: bytes) -> None:
    with connection(answering(*parts)) as to:
        assert b"".join(to.request("GET", "/").chunks()) == body
    with connection(answering(*parts)) as to:
        assert to.ask("GET", "/").body == body
    with connection(answering(*parts)) as to:
        assert to.request("GET", "/").read(2) == body[:2]


def test_a_body_arrives_while_it_is_written() -> None:
    read = threading.Event()

    def serve(theirs: socket.socket) -> None:
        until(b"\r\n\r\n", theirs)
        theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\nfirst")
        assert read.wait(5)
        theirs.sendall(b"second")

    with connection(serve, None) as to:
        chunks = to.request("GET", "/logs").chunks()
        assert next(chunks) == b"first"
        read.set()
        assert list(chunks) == [b"second"]


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabc",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",),
    ],
)
def test_a_body_that_ends_early_is_an_error(parts: tuple[bytes, ...]) -> None:
    with connection(answering(*parts)) as to, pytest.raises(ProtocolError):
        list(to.request("GET", "/").chunks())
    with connection(answering(*parts)) as to, pytest.raises(ProtocolError):
        to.ask("GET", "/")


@pytest.mark.parametrize("parts", [(), (b"no HTTP at all\r\n\r\n",), (b"HTTP/1.1 20",)])
def test_what_is_no_response_is_an_error_of_the_connection(parts: tuple[bytes, ...]) -> None:
    with connection(answering(*parts)) as to, pytest.raises(ConnectionError):
        to.request("GET", "/")


def test_a_server_that_falls_silent_in_the_middle_of_a_body() -> None:
    opened: list[tuple[socket.socket, socket.socket]] = []

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        opened.append((ours, theirs))
        return ours

    with Connection("x", 80, 0.05, dial=dial) as to:
        chunks = to.request("GET", "/").chunks()
        assert next(chunks) == b"abc"
        with pytest.raises(TimeoutError):
            next(chunks)
        opened[0][1].sendall(b"def")
        with pytest.raises(TimeoutError):
            to.ask("GET", "/")
    assert [ours.fileno() for ours, _ in opened] == [-1, -1], "what comes late must not be read as the next response"
    for _, theirs in opened:
        theirs.close()


def test_one_connection_for_several_requests_as_long_as_the_server_keeps_it() -> None:
    opened: list[socket.socket] = []

    def serve(theirs: socket.socket) -> None:
        for last in (False, True):
            until(b"\r\n\r\n", theirs)
            theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + b"Connection: close\r\n" * last + b"\r\na")

    with Connection("x", 80, 5.0, dial=dialling(serve, opened)) as to:
        for count in (1, 1, 2, 2, 3):
            assert to.ask("GET", "/").body == b"a"
            assert len(opened) == count
    assert all(each.fileno() == -1 for each in opened)


def test_who_cannot_connect_says_why() -> None:
    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        raise ConnectionRefusedError(f"{address} {timeout}")

    with Connection("x", 80, 5.0, dial=dial) as to, pytest.raises(ConnectionRefusedError, match=r"\('x', 80\) 5.0"):
        to.request("GET", "/")


def test_a_certificate_of_another_name(tmp_path: Path) -> None:
    """The server is reached by an address, such as through a tunnel, and must show the name that was asked for."""
    files = certificate(tmp_path, "DNS:shop.example")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(files.certificate, files.key)
    ours = ssl.create_default_context(cafile=str(files.certificate))

    def serve(plain: socket.socket) -> None:
        try:
            with theirs.wrap_socket(plain, server_side=True) as encrypted:
                answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")(encrypted)
        except OSError:
            pass  # the client rejects it

    for name, accepted in (("shop.example", True), ("other.example", False), ("", False)):
        with Connection("127.0.0.1", 443, 5.0, dial=dialling(serve), tls=ours, server_name=name) as to:
            if accepted:
                assert to.ask("GET", "/").body == b"a"
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    to.ask("GET", "/")
