"""Patterns of paths, as a plan has them."""

from __future__ import annotations

import re
from functools import lru_cache

_GLOB = {r"\*\*/": "(?:.*/)?", r"\*\*": ".*", r"\*": "[^/]*", r"\?": "[^/]"}


def matches(path: str, pattern: str) -> bool:
    """Whether a path is the pattern, lies below it, or fits it: `*` and `?` stay in a folder, `**` spans folders, or none."""
    clean = pattern.strip("/").removeprefix("./")
    if path == clean or path.startswith(clean + "/") or clean in ("", "."):
        return True
    return _compiled(clean).fullmatch(path) is not None


def fixed(pattern: str) -> str:
    """The folders of a pattern before its first sign that stands for others; the pattern itself where it has none."""
    parts = pattern.strip("/").removeprefix("./").split("/")
    kept: list[str] = []
    for part in parts:
        if is_pattern(part):
            break
        kept.append(part)
    return "/".join(kept)


def is_pattern(path: str) -> bool:
    """Whether it has such signs."""
    return "*" in path or "?" in path


@lru_cache(maxsize=512)
def _compiled(clean: str) -> re.Pattern[str]:
    glob = re.sub(r"\\\*\\\*/|\\\*\\\*|\\\*|\\\?", lambda found: _GLOB[found[0]], re.escape(clean))
    return re.compile(glob, re.DOTALL)
