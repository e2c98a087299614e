"""What a plan, and every other file that people wrote and this package reads, may be at most."""

from __future__ import annotations

import codecs
from pathlib import Path

SIZE = 256 * 1024  # bytes of a plan, or of a compose file
TEXT_SIZE = 1024 * 1024  # bytes of another file that a draft is made of
DEPTH = 24  # lists and mappings in each other
VALUES = 10_000  # keys and values, as they are written
NODES = 50_000  # likewise, each alias counted as what it stands for
ENTRIES = 500  # of a mapping whose names the team chose, or of a list
LINE = 4096  # characters of a value in one line
BLOCK = 128 * 1024  # characters of a command or script
PROBLEMS = 100  # that are listed
_MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


class TooMuch(ValueError):
    """A file is longer than it may be, or no text; the message says which, without the file's name."""


def text_of(path: Path, most: int = SIZE) -> str:
    """The text of a file in UTF-8, with or without a byte order mark. TooMuch where it is longer, or other than that; OSError
    where it can't be read."""
    with path.open("rb") as file:
        content = file.read(most + 1)  # it may be a device that never ends
    return decoded(content, most)


def decoded(content: bytes, most: int = SIZE) -> str:
    """Likewise, of what was read."""
    if len(content) > most:
        raise TooMuch(f"is larger than {most // 1024} KB")
    other = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if other or b"\0" in content[:4]:
        raise TooMuch(f"is no UTF-8 text (it looks like {other or 'UTF-16'})")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TooMuch(f"is no UTF-8 text (line {line}, byte {error.start}: 0x{content[error.start]:02x})") from None


def lenient(path: Path, most: int = TEXT_SIZE) -> str:
    """The beginning of a file, whatever it is; empty where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(most).decode("utf-8-sig", errors="replace")
    except OSError:
        return ""
