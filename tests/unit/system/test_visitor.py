"""A visitor against real TLS and HTTP servers on this machine."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shipway.system.load import drive
from shipway.system.visitor import Visitor, host_of
from tests.unit.certificates import certificate

ANSWER = b"HTTP/1.1 200 OK\r\nX-Robots-Tag: noindex\r\nContent-Length: 3\r\n\r\none"


@contextmanager
def server(tls: ssl.SSLContext | None = None, answer: bytes = ANSWER) -> Iterator[int]:
    """Answers each request on its port with the same."""

    def serve(found: socket.socket) -> None:
        with suppress(OSError), found:
            own = tls.wrap_socket(found, server_side=True) if tls else found
            with own:
                while b"\r\n\r\n" in own.recv(4096):
                    own.sendall(answer)

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """The port of a server of shop.example that speaks TLS 1.2 and newer, and the certificate that signs itself."""
    files = certificate(tmp_path, "DNS:shop.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with server(context) as port:
        yield port, files.certificate.read_text()


def here(where: tuple[str, int], timeout: float) -> socket.socket:
    return socket.create_connection(("127.0.0.1", where[1]), timeout)


def test_a_certificate_is_described(secure: tuple[int, str]) -> None:
    port, authority = secure
    found = Visitor(here, authority).handshake("shop.example", port)
    assert (found.problem, found.names) == ("", ("shop.example",))
    assert found.expires is not None
    assert found.version in ("TLSv1.2", "TLSv1.3")


def test_a_wrong_certificate_is_none(secure: tuple[int, str]) -> None:
    port, authority = secure
    assert "self-signed" in Visitor(here).handshake("shop.example", port).problem
    assert "mismatch" in Visitor(here, authority).handshake("other.example", port).problem.lower()
    unverified = Visitor(here).handshake("other.example", port, verified=False)
    assert unverified.expires is not None
    assert unverified.names == ("shop.example",)


def test_versions_of_tls(secure: tuple[int, str]) -> None:
    port, _ = secure
    seen = {
        version: Visitor(here).handshake("shop.example", port, version) for version in ("TLSv1.1", "TLSv1.2", "TLSv1.3")
    }
    assert seen["TLSv1.1"].problem
    assert not seen["TLSv1.2"].problem
    assert not seen["TLSv1.3"].problem


def test_a_page_over_tls_and_without(secure: tuple[int, str]) -> None:
    page = Visitor(here).get(f"https://shop.example:{secure[0]}/a")
    assert (page.status, page.headers["x-robots-tag"], page.body) == (200, "noindex", b"one")
    with server() as port:
        assert Visitor(here).get(f"http://shop.example:{port}/").body == b"one"


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "refused" in Visitor(here).handshake("shop.example", port).problem
    with pytest.raises(OSError, match="refused"):
        Visitor(here).get(f"http://shop.example:{port}/")


def test_a_server_that_never_answers_is_bounded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        Visitor(here, timeout=0.2).get(f"http://shop.example:{silent.getsockname()[1]}/")


def test_the_host_header() -> None:
    assert host_of("https://a.example/") == host_of("https://a.example:443/") == "a.example"
    assert host_of("http://a.example:8080/x") == "a.example:8080"


def test_a_load_is_sent_whole_and_errors_are_counted() -> None:
    with server() as port:
        found = drive(lambda: Visitor(here).sender(f"http://x:{port}/"), 100.0, 0.3, stop=threading.Event())
    assert (len(found.seconds), found.errors) == (30, ())
    with server(answer=b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as port:
        found = drive(lambda: Visitor(here).sender(f"http://x:{port}/"), 100.0, 0.1, stop=threading.Event())
    assert found.errors == ("status 500",) * 10


def test_a_load_ends_early_if_it_is_stopped() -> None:
    stop = threading.Event()
    stop.set()
    assert drive(lambda: lambda: "", 1.0, 60.0, stop=stop).seconds == ()


def test_a_slow_server_is_measured_from_when_requests_were_due() -> None:
    """Waiting requests queue behind the slow ones: their time counts too."""
    import time

    def slow() -> str:
        time.sleep(0.05)
        return ""

    found = drive(lambda: slow, 2000.0, 0.1, stop=threading.Event())
    assert len(found.seconds) == 200
    assert max(found.seconds) > 0.1
