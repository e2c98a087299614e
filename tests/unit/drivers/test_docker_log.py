"""The engine's log streams as lines with times."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shipway.drivers.runtime.log import batches

T1, T2, T3 = (f"2024-01-31T10:00:0{number}.000000000Z" for number in (1, 2, 3))


def frame(text: str, stream: int = 1) -> bytes:
    content = text.encode()
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def read(chunks: Sequence[bytes]) -> list[tuple[str, str]]:
    return [line for batch in batches(chunks) for line in batch]


WHOLE = frame(f"{T1} one äö\n") + frame(f"{T2} two\n", 2) + frame(f"{T3} \n")


@pytest.mark.parametrize("size", [1, 7, 8, 41, 1000])
def test_chunks_may_end_anywhere(size: int) -> None:
    chunks = [WHOLE[at : at + size] for at in range(0, len(WHOLE), size)]
    assert read(chunks) == [(T1, "one äö"), (T2, "two"), (T3, "")]


def test_a_long_line_comes_in_parts_between_which_the_other_stream_writes() -> None:
    parts = [frame(f"{T1} begin "), frame(f"{T1} other\n", 2), frame(f"{T2} end\n"), frame(f"{T3} next\n")]
    assert read(parts) == [(T1, "other"), (T1, "begin end"), (T3, "next")]
    assert read([b"".join(parts)]) == read(parts)


def test_a_last_line_without_its_end() -> None:
    assert read([frame(f"{T1} one\n"), frame(f"{T2} no end")]) == [(T1, "one"), (T2, "no end")]


def test_what_was_overwritten_is_not_shown() -> None:
    assert read([frame(f"{T1} 10 %\r20 %\r\n")]) == [(T1, "20 %")]


def test_bytes_that_are_no_text() -> None:
    content = T1.encode() + b" \xff\xfe\n"
    assert read([bytes([1, 0, 0, 0]) + len(content).to_bytes(4, "big") + content]) == [(T1, "��")]
