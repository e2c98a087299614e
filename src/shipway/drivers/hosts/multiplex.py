"""Asks a running `ssh` for connections and forwards, through the socket that its option ControlPath names.

The protocol is OpenSSH's own between its client and its master: PROTOCOL.mux in its source, version 4 since 2010. It is
spoken here because the options of the command line do less: `-D` opens a port of this machine behind which all its
users and programs find the host's private networks, and what `-L` accepts may be refused by the host only afterwards,
so that a container that doesn't listen yet would look as if it did.
"""

from __future__ import annotations

import socket
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HELLO, VERSION = 0x00000001, 4
OPEN_FORWARD, CLOSE_FORWARD, CONNECT = 0x10000006, 0x10000007, 0x10000008
OK, CONNECTED = 0x80000001, 0x80000006
WE_LISTEN, HOST_LISTENS = 1, 2  # kinds of a forward
UNIX_SOCKET = 0xFFFFFFFE  # in the place of a port
LOOPBACK = "127.0.0.1"


class Refused(ConnectionRefusedError):
    """The master's answer: it or the host can't do that."""


class Through(socket.socket):
    """A connection through the master, used as any other socket.

    It reads from one pair and writes to another: the master tells the end of a stream by closing its own end of it.
    """

    def __init__(self, reading: socket.socket, writing: socket.socket, control: socket.socket) -> None:
        super().__init__(fileno=reading.detach())
        self._writing = writing
        # Not in close(): as with every socket, what was made by makefile() reads on after it.
        weakref.finalize(self, _close, writing, control)

    def settimeout(self, value: float | None) -> None:
        super().settimeout(value)
        self._writing.settimeout(value)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._writing.sendall(data, flags)


def connect(master: Path, host: str, port: int, timeout: float) -> socket.socket:
    """A connection from the host to an address that it reaches.

    Refused where nothing takes it there, TimeoutError after `timeout` seconds, another OSError without a master.
    """
    with _closed_on_error(_hello(master, timeout)) as control:
        _send(control, struct.pack(">II", CONNECT, 0) + _text("") + _place(host, port))
        output, input = _hand_over(control), _hand_over(control)  # of the host
        with _closed_on_error(input, output):
            _expect(control, CONNECTED)
            connection = Through(input, output, control)
            connection.settimeout(timeout)
            return connection


def forward(master: Path, here: Path, there: str, timeout: float) -> None:
    """Make a socket here that leads to one of the host."""
    _forward(master, OPEN_FORWARD, WE_LISTEN, (str(here), UNIX_SOCKET), (there, UNIX_SOCKET), timeout)


def lend(master: Path, port: int, timeout: float) -> None:
    """Have the host's loopback port lead to the same one of this machine. Refused where it is taken there."""
    _forward(master, OPEN_FORWARD, HOST_LISTENS, (LOOPBACK, port), (LOOPBACK, port), timeout)


def take_back(master: Path, port: int, timeout: float) -> None:
    """End that; what goes through it already goes on."""
    _forward(master, CLOSE_FORWARD, HOST_LISTENS, (LOOPBACK, port), (LOOPBACK, port), timeout)


def _forward(
    master: Path, what: int, kind: int, listen: tuple[str, int], connect: tuple[str, int], timeout: float
) -> None:
    with _hello(master, timeout) as control:
        _send(control, struct.pack(">III", what, 0, kind) + _place(*listen) + _place(*connect))
        _expect(control, OK)


def _hello(master: Path, timeout: float) -> socket.socket:
    with _closed_on_error(socket.socket(socket.AF_UNIX)) as control:
        control.settimeout(timeout)
        control.connect(str(master))
        _send(control, struct.pack(">II", HELLO, VERSION))
        kind, version = struct.unpack_from(">II", _receive(control))
        if (kind, version) != (HELLO, VERSION):
            raise OSError(f"this ssh speaks version {version} of its multiplexing protocol, and {VERSION} is expected")
        return control


def _expect(control: socket.socket, wanted: int) -> None:
    answer = _receive(control)
    (kind,) = struct.unpack_from(">I", answer)
    if kind != wanted:
        raise Refused(answer[12:].decode(errors="replace"))  # behind kind, request and length of the text


def _send(control: socket.socket, message: bytes) -> None:
    control.sendall(struct.pack(">I", len(message)) + message)


def _receive(control: socket.socket) -> bytes:
    (size,) = struct.unpack(">I", _read(control, 4))
    return _read(control, size)


def _read(control: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = control.recv(size - len(content))
        if not piece:
            raise ConnectionResetError("ssh ended")
        content += piece
    return content


def _hand_over(control: socket.socket) -> socket.socket:
    """Give the master one end of a new pair, and return the other."""
    ours, theirs = socket.socketpair()
    with theirs, _closed_on_error(ours):
        socket.send_fds(control, [b"\0"], [theirs.fileno()])
    return ours


@contextmanager
def _closed_on_error(*sockets: socket.socket) -> Iterator[socket.socket]:
    try:
        yield sockets[0]
    except BaseException:
        _close(*sockets)
        raise


def _close(*sockets: socket.socket) -> None:
    for item in sockets:
        item.close()


def _text(value: str) -> bytes:
    return struct.pack(">I", len(value.encode())) + value.encode()


def _place(host: str, port: int) -> bytes:
    return _text(host) + struct.pack(">I", port)
