"""bcrypt as others compute it."""

from __future__ import annotations

import re

import pytest

from shipway.drivers.registry import htpasswd

KNOWN = {  # password: of the public test vectors of OpenBSD's and jBCrypt's implementations
    "a": "$2b$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
    "abc": "$2b$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
    "correct horse": "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
}


@pytest.mark.parametrize("password", KNOWN)
def test_known_hashes(password: str) -> None:
    cost, text = int(KNOWN[password][4:6]), KNOWN[password][7:29]
    bits = 0
    for letter in text:
        bits = bits << 6 | htpasswd._ALPHABET.index(letter)
    salt = (bits >> 4).to_bytes(16, "big")
    assert htpasswd.bcrypt(password.encode(), salt, cost) == KNOWN[password]


def test_a_line_never_repeats() -> None:
    first, second = (htpasswd.line("shipway", "x" * 43) for _ in range(2))
    assert first != second
    assert re.fullmatch(r"shipway:\$2b\$04\$[./A-Za-z0-9]{53}\n", first)
