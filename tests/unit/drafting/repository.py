"""Files of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def fill(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
