"""Connections through a proxy that speaks SOCKS 5 (RFC 1928), as `ssh` does."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path

VERSION, CONNECT, GRANTED = 5, 1, 0
NO_LOGIN = bytes([VERSION, 1, 0])
IPV4, NAME, IPV6 = 1, 3, 4


class Refused(ConnectionRefusedError):
    """The proxy is there, but not what it shall connect to."""


def connect(proxy: Path, host: str, port: int, timeout: float) -> socket.socket:
    """A connection to what the proxy reaches. Refused where nothing takes it there, TimeoutError after `timeout` seconds,
    another OSError where there is no proxy."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(str(proxy))
        connection.sendall(NO_LOGIN)
        receive(connection, 2)
        connection.sendall(bytes([VERSION, CONNECT, 0]) + _address(host) + struct.pack(">H", port))
        # ssh answers when the host has connected; where it couldn't, ssh closes without a word.
        try:
            answer = receive(connection, 10)
        except ConnectionResetError:
            answer = b""
        if answer[1:2] != bytes([GRANTED]):
            raise Refused(f"{host}:{port} takes no connection")
        return connection
    except BaseException:
        connection.close()
        raise


def receive(connection: socket.socket, size: int) -> bytes:
    """Exactly so many bytes; ConnectionResetError where it ends before."""
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            raise ConnectionResetError("the connection ended")
        content += piece
    return content


def _address(host: str) -> bytes:
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return bytes([NAME, len(name)]) + name
    return bytes([IPV4 if number.version == 4 else IPV6]) + number.packed
