"""A line of an htpasswd file. Registries take bcrypt alone, which Python's standard library lacks.

For passwords of our own making: they are long and random, so the least cost is enough. 0.2 s.
"""

from __future__ import annotations

import functools
import secrets
import struct

COST = 4  # the least that bcrypt knows
ROUNDS = 16
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MASK = 0xFFFFFFFF

Boxes = tuple[list[int], list[int]]  # the keys of the rounds, and the four S-boxes one after the other


def line(user: str, password: str) -> str:
    """USER:HASH. The password has at most 72 bytes."""
    return f"{user}:{bcrypt(password.encode(), secrets.token_bytes(16), COST)}\n"


def bcrypt(password: bytes, salt: bytes, cost: int) -> str:
    """As `$2b$`. salt: 16 bytes."""
    key = password + b"\0"
    boxes = (list(_pi()[0]), list(_pi()[1]))
    _expand(boxes, key, salt)
    for _ in range(1 << cost):
        _expand(boxes, key, b"")
        _expand(boxes, salt, b"")
    words = list(struct.unpack(">6I", b"OrpheanBeholderScryDoubt"))
    for index in (0, 2, 4):
        left, right = words[index : index + 2]
        for _ in range(64):
            left, right = _encipher(boxes, left, right)
        words[index : index + 2] = [left, right]
    return f"$2b${cost:02}${_base64(salt)}{_base64(struct.pack('>6I', *words)[:23])}"


def _expand(boxes: Boxes, key: bytes, salt: bytes) -> None:
    keys = boxes[0]
    at = 0
    for index in range(len(keys)):
        word = 0
        for _ in range(4):
            word = word << 8 | key[at]
            at = (at + 1) % len(key)
        keys[index] ^= word
    mixed = struct.unpack(">4I", salt) if salt else (0, 0, 0, 0)
    left = right = turn = 0
    for part in boxes:
        for index in range(0, len(part), 2):
            left, right = _encipher(boxes, left ^ mixed[turn], right ^ mixed[turn + 1])
            turn ^= 2
            part[index], part[index + 1] = left, right


def _encipher(boxes: Boxes, left: int, right: int) -> tuple[int, int]:
    keys, boxed = boxes
    for index in range(0, ROUNDS, 2):
        left ^= keys[index]
        right ^= ((boxed[left >> 24] + boxed[256 + (left >> 16 & 255)] ^ boxed[512 + (left >> 8 & 255)]) + boxed[768 + (left & 255)]) & _MASK
        right ^= keys[index + 1]
        left ^= ((boxed[right >> 24] + boxed[256 + (right >> 16 & 255)] ^ boxed[512 + (right >> 8 & 255)]) + boxed[768 + (right & 255)]) & _MASK
    return right ^ keys[ROUNDS + 1], left ^ keys[ROUNDS]


@functools.cache
def _pi() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Blowfish begins with the digits of pi behind the point."""
    count = ROUNDS + 2 + 4 * 256
    spare = 64
    unit = 1 << count * 32 + spare
    digits = (4 * (4 * _arctangent(5, unit) - _arctangent(239, unit)) - 3 * unit) >> spare
    words = struct.unpack(f">{count}I", digits.to_bytes(count * 4, "big"))
    return words[: ROUNDS + 2], words[ROUNDS + 2 :]


def _arctangent(inverse: int, unit: int) -> int:
    """Of 1/inverse."""
    power = total = unit // inverse
    square, divisor, sign = inverse * inverse, 1, 1
    while power:
        power //= square
        divisor, sign = divisor + 2, -sign
        total += sign * (power // divisor)
    return total


def _base64(data: bytes) -> str:
    bits = int.from_bytes(data, "big") << -len(data) * 8 % 6
    count = -(-len(data) * 8 // 6)
    return "".join(_ALPHABET[bits >> 6 * index & 63] for index in reversed(range(count)))
