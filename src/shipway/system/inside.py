"""Whether a path in a folder stays there, with all links followed."""

from __future__ import annotations

import os
from pathlib import Path


def leads_inside(folder: Path, name: str) -> bool:
    """Whether a relative path, as far as it exists, is in the folder. False also for what can't be looked at, such as a
    link whose path is too long: who opens it may get elsewhere."""
    root = os.path.realpath(folder)
    path = os.path.join(root, name)
    while path != root and not os.path.lexists(path):
        path = os.path.dirname(path)
    try:
        real = os.path.realpath(path, strict=True)
    except OSError:
        return False
    return f"{real}/".startswith(f"{root}/")
