"""Public keys with a typing error are found by their checksum."""

from __future__ import annotations

from shipway.system.bech32 import DIGITS, is_valid
from shipway.system.sealing import new_key


def test_public_keys_have_it_and_each_changed_letter_is_found() -> None:
    _, public = new_key()
    assert is_valid(public)
    for at in range(4, len(public)):
        for other in DIGITS[:4]:
            changed = public[:at] + other + public[at + 1 :]
            assert is_valid(changed) == (changed == public)


def test_other_texts() -> None:
    assert is_valid("a12uel5l"), "of the standard"
    for text in ("", "age1", "1qqqqqq", "a12uel5m", "a12uel5b"):
        assert not is_valid(text)
