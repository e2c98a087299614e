"""A self-signed certificate on P-256, generated with the standard library only.

Without a default certificate, Traefik generates an RSA key on every change of its configuration: that key, and not the
change, makes a switch slow.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import textwrap

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int]
INTEGER, BITS, OCTETS, OID, UTF8, SEQUENCE, SET = 2, 3, 4, 6, 12, 48, 49
UTC_TIME, GENERALIZED_TIME, FIRST, SECOND = 23, 24, 0xA0, 0xA1
ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")
EC_KEY, P256 = bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d030107")
COMMON_NAME = bytes.fromhex("550403")


def self_signed(name: str) -> tuple[str, str]:
    """Certificate and key for `name` as PEM, valid from 2020 on without an end."""
    key = secrets.randbelow(ORDER - 1) + 1
    point = _times(key, BASE)
    public = _der(BITS, b"\0\4" + _bytes(point[0]) + _bytes(point[1]))
    who = _der(SEQUENCE, _der(SET, _der(SEQUENCE, _der(OID, COMMON_NAME), _der(UTF8, name.encode()))))
    algorithm = _der(SEQUENCE, _der(OID, ECDSA_SHA256))
    body = _der(
        SEQUENCE,
        _der(FIRST, _integer(2)),  # version 3
        _integer(secrets.randbits(63) + 1),
        algorithm,
        who,
        _der(SEQUENCE, _der(UTC_TIME, b"200101000000Z"), _der(GENERALIZED_TIME, b"99991231235959Z")),
        who,
        _der(SEQUENCE, _der(SEQUENCE, _der(OID, EC_KEY), _der(OID, P256)), public),
    )
    certificate = _der(SEQUENCE, body, algorithm, _der(BITS, b"\0" + _signature(key, body)))
    private = _der(SEQUENCE, _integer(1), _der(OCTETS, _bytes(key)), _der(FIRST, _der(OID, P256)), _der(SECOND, public))
    return _pem("CERTIFICATE", certificate), _pem("EC PRIVATE KEY", private)


def _signature(key: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    once = secrets.randbelow(ORDER - 1) + 1
    r = _times(once, BASE)[0] % ORDER
    s = pow(once, -1, ORDER) * (digest + r * key) % ORDER
    return _der(SEQUENCE, _integer(r), _integer(s))


def _times(factor: int, point: Point) -> Point:
    """Multiply by doubling and adding; `factor` is at least 1."""
    total: Point | None = None
    while factor:
        if factor & 1:
            total = point if total is None else _add(total, point)
        point, factor = _add(point, point), factor >> 1
    assert total is not None
    return total


def _add(one: Point, other: Point) -> Point:
    """Add two points that are not each other's inverse, which never happens below the order."""
    if one == other:
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _bytes(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _integer(number: int) -> bytes:
    return _der(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(size)]) + size + body


def _pem(kind: str, data: bytes) -> str:
    text = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 64))
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n"
