"""Limits of a plan, and of other files written by people that this package reads."""

from __future__ import annotations

import codecs
from pathlib import Path

SIZE = 256 * 1024  # bytes of a plan, or of a compose file
DEPTH = 24  # nested lists and mappings
VALUES = 10_000  # keys and values as written
NODES = 50_000  # keys and values with each alias expanded
ENTRIES = 500  # of a mapping with names chosen by the team, or of a list
LINE = 4096  # characters of a single-line value
BLOCK = 128 * 1024  # characters of a command or script
PROBLEMS = 100  # reported problems
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class TooMuch(ValueError):
    """A file is too long or not text; the message has the reason, without the file's name."""


def text_of(path: Path, most: int = SIZE) -> str:
    """The text of a UTF-8 file, with or without a byte order mark. TooMuch if it is too long or not UTF-8; OSError if
    it can't be read."""
    with path.open("rb") as file:
        content = file.read(most + 1)  # it may be an endless device
    return decoded(content, most)


def decoded(content: bytes, most: int = SIZE) -> str:
    """The same for content already read."""
    if len(content) > most:
        raise TooMuch(f"is larger than {most // 1024} KB")
    other = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if other or b"\0" in content[:4]:
        raise TooMuch(f"is not UTF-8 text (it looks like {other or 'UTF-16'})")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TooMuch(f"is not UTF-8 text (line {line}, byte {error.start}: 0x{content[error.start]:02x})") from None
