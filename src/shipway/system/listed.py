"""Folders of the hosts that services may mount: a setting of the machine, never of a plan."""

from __future__ import annotations

import os
import posixpath

from shipway.domain.errors import UsageError

VARIABLE = "SHIPWAY_FOLDERS"  # absolute paths, separated by colons


def listed_folders() -> tuple[str, ...]:
    """The folders. UsageError for a relative path, the root, or a folder within another one: a container that mounts
    the outer one could replace the inner one by a link to any folder of the host."""
    found = [item for item in os.environ.get(VARIABLE, "").split(":") if item]
    for item in found:
        if posixpath.normpath(item) != item or not item.startswith("/") or item == "/" or item.startswith("//"):
            raise UsageError(
                f"{VARIABLE} lists {item!r}, which can't be mounted", hint="list absolute paths such as /srv/media"
            )
        outer = next((other for other in found if item.startswith(f"{other}/")), None)
        if outer:
            raise UsageError(f"{VARIABLE} lists both {outer} and {item}, which is within it", hint="list one of them")
    return tuple(found)
