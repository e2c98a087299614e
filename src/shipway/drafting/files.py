"""Files of other tools: any of them may be missing, broken or huge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shipway.planfile.document import Items, Node, Scalar

TEXT_SIZE = 1024 * 1024  # bytes read of a file


def lenient(path: Path, most: int = TEXT_SIZE) -> str:
    """Return the beginning of any file; empty if it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(most).decode("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return ""


def plain(node: Node) -> Any:
    """Convert YAML of an unknown structure to dicts, lists and strings; nothing is None."""
    if isinstance(node, Scalar):
        return None if node.type == "nothing" else node.text
    if isinstance(node, Items):
        return [plain(item) for item in node.nodes]
    return {key.text: plain(value) for key, value in node.pairs}


def inside(root: Path, path: str) -> Path | None:
    """The path of a file in the repository; None if it leads out of it, also through a symbolic link, or if no file can
    have that name."""
    try:
        found = (root / path).resolve()
        found.exists()  # fails for a name that is too long
        return found if found.is_relative_to(root.resolve()) else None
    except (OSError, ValueError, RuntimeError):
        return None
