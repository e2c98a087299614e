"""A file for secrets: in memory where the machine has such a folder, readable only by its owner, and always removed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shipway.system.alive import is_gone, this_process

MEMORY = Path("/dev/shm")
PREFIX = "shipway-secrets-"
OWNER = ".owner"  # beside the file: the process, by which a later one removes what a killed one left


@contextmanager
def private_file(text: str, name: str, memory: Path = MEMORY) -> Iterator[Path]:
    """A file with the text, alone in a folder of mode 0700: an editor's copies beside it are removed too. First removes
    what killed processes left."""
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    remove_leftovers(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        (folder / OWNER).write_text(this_process(), encoding="utf-8")
        file = folder / name
        with open(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
        ) as opened:
            opened.write(text)
        yield file
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove folders of this user's processes that have ended."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if folder.lstat().st_uid == os.getuid() and is_gone((folder / OWNER).read_text(encoding="utf-8")):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def write_private(path: Path, text: str) -> None:
    """Create a file of mode 0600. FileExistsError if it exists, also as a link. Half a file, as on a full disk, is
    removed."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(number, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
