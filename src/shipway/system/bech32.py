"""The checksum of Bech32 (BIP 173), by which a public key with a typing error is found."""

from __future__ import annotations

from collections.abc import Iterator

DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def is_valid(text: str) -> bool:
    """Whether a text in lower case has a prefix, digits, and their checksum."""
    prefix, _, digits = text.rpartition("1")
    if not prefix or len(digits) < 6 or any(digit not in DIGITS for digit in digits):
        return False
    return _polynomial((*_expanded(prefix), *map(DIGITS.index, digits))) == 1


def _expanded(prefix: str) -> Iterator[int]:
    yield from (ord(letter) >> 5 for letter in prefix)
    yield 0
    yield from (ord(letter) & 31 for letter in prefix)


def _polynomial(values: tuple[int, ...]) -> int:
    sum = 1
    for value in values:
        top = sum >> 25
        sum = (sum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                sum ^= generator
    return sum
