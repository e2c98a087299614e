"""Streams that are encrypted to public keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from shipway.domain.errors import BackupFailed, UsageError
from shipway.system.sealing import check_recipients, decrypted, encrypted, new_key, public_key, read_identity
from shipway.system.tally import AHEAD, CHUNK, Tally, pushed

PRIVATE, PUBLIC = new_key()
OTHER, _ = new_key()
PLAIN = bytes(range(256)) * 4000


def sealed(data: bytes = PLAIN) -> bytes:
    return b"".join(encrypted(iter((data[:100_000], data[100_000:])), [PUBLIC]))


@pytest.mark.parametrize("size", [0, 1, 65536, len(PLAIN)])
def test_it_comes_back(size: int) -> None:
    assert b"".join(decrypted(iter((sealed(PLAIN[:size]),)), PRIVATE)) == PLAIN[:size]


def test_each_recipient_can_read_it() -> None:
    data = b"".join(encrypted(iter((PLAIN,)), [PUBLIC, public_key(OTHER)]))
    assert b"".join(decrypted(iter((data,)), OTHER)) == PLAIN


def test_another_key_is_no_damage() -> None:
    with pytest.raises(BackupFailed, match="with this key"):
        list(decrypted(iter((sealed(),)), OTHER))


@pytest.mark.parametrize("bad", ["cut", "changed", "cut header", "garbage", "empty"])
def test_damage_is_found(bad: str) -> None:
    data = sealed()
    data = {
        "cut": data[:-1], "changed": data[:70_000] + bytes([data[70_000] ^ 1]) + data[70_001:], "cut header": data[:100],
        "garbage": b"x" * 1000, "empty": b"",
    }[bad]  # fmt: skip
    with pytest.raises(BackupFailed, match="damaged"):
        list(decrypted(iter((data,)), PRIVATE))


@pytest.mark.parametrize(
    "work", [lambda chunks: encrypted(chunks, [PUBLIC]), lambda chunks: decrypted(chunks, PRIVATE)]
)
def test_the_error_of_the_source_is_the_error(work: object) -> None:
    def cut() -> Iterator[bytes]:
        yield sealed()[:70_000]
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        list(work(cut()))  # type: ignore[operator]


def test_a_reader_that_stops_ends_the_thread() -> None:
    before = threading.active_count()
    written = 0

    def work(file: object) -> None:
        nonlocal written
        for _ in range(10 * AHEAD):
            file.write(b"x" * CHUNK)  # type: ignore[attr-defined]
            written += 1

    stream = pushed(work)  # type: ignore[arg-type]
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert written <= AHEAD + 3, "it is at most some chunks ahead"


def test_keys_are_checked() -> None:
    assert read_identity(f"# public key: {PUBLIC}\n{PRIVATE}\n") == PRIVATE
    assert public_key(PRIVATE) == PUBLIC
    check_recipients([PUBLIC])
    for call in (
        lambda: read_identity("no key"),
        lambda: public_key("AGE-SECRET-KEY-1X"),
        lambda: check_recipients(["age1x"]),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert "AGE-SECRET-KEY-1X" not in str(caught.value)


def test_a_tally_counts_what_passed() -> None:
    found = Tally(iter((b"a", b"bc")))
    assert b"".join(found) == b"abc"
    assert (found.size, found.ended) == (3, True)
    assert found.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
