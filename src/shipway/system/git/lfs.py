"""Files in Git LFS: a pointer is committed, and the content is in a store of the clone."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from shipway.domain.value import dataclass

POINTER = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)
LARGEST = 1024  # bytes of a pointer


@dataclass(frozen=True)
class Pointer:
    """The content that a committed file points to."""

    sha256: str
    size: int

    @classmethod
    def parse(cls, text: str) -> Pointer | None:
        """Parse a pointer; None for any other file."""
        found = POINTER.fullmatch(text)
        return cls(found[1], int(found[2])) if found else None

    def kept(self, git_folder: Path) -> Path | None:
        """The content in the store of a clone; None if it is missing."""
        path = git_folder / "lfs" / "objects" / self.sha256[:2] / self.sha256[2:4] / self.sha256
        return path if path.is_file() and path.stat().st_size == self.size else None

    def lay(self, kept: Path, path: Path) -> bool:
        """Replace the pointer by the content; False if that does not match the commit, whatever wrote the store."""
        number, name = tempfile.mkstemp(dir=path.parent)  # a name that no link of the commit can have
        part = Path(name)
        try:
            with open(number, "w+b") as file, kept.open("rb") as source:
                shutil.copyfileobj(source, file)
                file.seek(0)
                if hashlib.file_digest(file, "sha256").hexdigest() != self.sha256:
                    return False
            shutil.copymode(path, part)
            os.replace(part, path)
            return True
        finally:
            part.unlink(missing_ok=True)
