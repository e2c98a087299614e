"""Connections through a SOCKS 5 proxy (RFC 1928), such as `ssh`."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path

from shipway.system.unix_socket import connect_unix

VERSION, CONNECT, GRANTED = 5, 1, 0
NO_LOGIN = bytes([VERSION, 1, 0])
IPV4, NAME, IPV6 = 1, 3, 4


class Refused(ConnectionRefusedError):
    """The proxy runs, but can't connect to the destination."""


def connect(proxy: Path, host: str, port: int, timeout: float) -> socket.socket:
    """Connect to a destination of the proxy. Refused if nothing accepts there, TimeoutError after `timeout` seconds,
    another OSError without a proxy."""
    connection = connect_unix(proxy, timeout)
    try:
        connection.sendall(NO_LOGIN)
        receive(connection, 2)
        connection.sendall(bytes([VERSION, CONNECT, 0]) + _address(host) + struct.pack(">H", port))
        # ssh answers when the host has connected; if it couldn't, ssh closes without an answer.
        try:
            answer = receive(connection, 10)
        except ConnectionResetError:
            answer = b""
        if answer[1:2] != bytes([GRANTED]):
            raise Refused(f"{host}:{port} refuses the connection")
        return connection
    except BaseException:
        connection.close()
        raise


def receive(connection: socket.socket, size: int) -> bytes:
    """Read exactly this many bytes; ConnectionResetError if it ends before."""
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            raise ConnectionResetError("the connection was closed")
        content += piece
    return content


def _address(host: str) -> bytes:
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return bytes([NAME, len(name)]) + name
    return bytes([IPV4 if number.version == 4 else IPV6]) + number.packed
