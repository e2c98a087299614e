"""Patterns of paths, as a plan has them."""

from __future__ import annotations

import re
from functools import lru_cache

_GLOB = {r"\*\*/": "(?:.*/)?", r"\*\*": ".*", r"\*": "[^/]*", r"\?": "[^/]"}


def matches(path: str, pattern: str) -> bool:
    """Whether a path equals the pattern, is below it, or matches it: `*` and `?` match within a folder, `**` any number
    of folders."""
    clean = pattern.strip("/").removeprefix("./")
    if path == clean or path.startswith(clean + "/") or clean in ("", "."):
        return True
    return _compiled(clean).fullmatch(path) is not None


def fixed(pattern: str) -> str:
    """The folders of a pattern before its first wildcard; the pattern itself if it has none."""
    parts = pattern.strip("/").removeprefix("./").split("/")
    kept: list[str] = []
    for part in parts:
        if is_pattern(part):
            break
        kept.append(part)
    return "/".join(kept)


def is_pattern(path: str) -> bool:
    """Whether it has wildcards."""
    return "*" in path or "?" in path


@lru_cache(maxsize=512)
def _compiled(clean: str) -> re.Pattern[str]:
    glob = re.sub(r"\\\*\\\*/|\\\*\\\*|\\\*|\\\?", lambda found: _GLOB[found[0]], re.escape(clean))
    return re.compile(glob, re.DOTALL)
