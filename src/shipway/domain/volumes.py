"""Where an accessory stores its data: the volumes that an image declares, compared with the plan's `volume`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from shipway.domain.plan import Accessory
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class DataFolder:
    """Where a server stores its files."""

    path: str  # in official images
    variable: str = ""  # of an image or a plan, which names it; without a value the folder is unknown
    option: str = ""  # of its command, which names another one

    def of(self, accessory: Accessory, variables: Mapping[str, str]) -> str | None:
        """Return the folder of the accessory's files; None if unknown. variables: of the image."""
        if self.variable:
            found = {**variables, **accessory.environment}.get(self.variable)
            return posixpath.normpath(found) if found else None
        return None if self.option and self.option in (accessory.command or "") else self.path


def variables_of(config: Mapping[str, object] | None) -> dict[str, str]:
    """Environment variables of an image. config: from the engine."""
    found = (config or {}).get("Env")
    return dict(str(item).partition("=")[::2] for item in found) if isinstance(found, list) else {}


def declared_by(config: Mapping[str, object] | None) -> tuple[str, ...]:
    """Paths of the volumes that an image declares. config: from the engine."""
    found = (config or {}).get("Volumes")
    return tuple(sorted(posixpath.normpath(str(path)) for path in found)) if isinstance(found, dict) else ()


def right_path(accessory: Accessory, declared: Iterable[str], data: str | None) -> str | None:
    """The correct path of `volume`; None if it is correct already or nothing is known. declared: paths of the volumes
    that the image declares. data: the folder of the server's files, if it is known.

    A volume of the plan above or beside the declared one preserves nothing: the engine stores the data in an anonymous
    volume that is removed with the container.
    """
    if accessory.volume is None:
        return None
    volume, paths = posixpath.normpath(accessory.volume), tuple(declared)
    if data is not None:
        holds = max((path for path in {volume, *paths} if _within(data, path)), key=len, default=None)
        return None if holds == volume else holds or data
    elsewhere = " ".join((*accessory.environment.values(), accessory.command or ""))
    if not paths or volume in paths or (volume != "/" and volume in elsewhere):
        return None
    below = [path for path in paths if _within(path, volume)]
    if not below and any(_within(volume, path) for path in paths):
        return None  # nested: which of the two holds the data is unknown
    return (below or paths)[0]


def is_anonymous(volume: str) -> bool:
    """Whether the engine generated this name."""
    return re.fullmatch(r"[0-9a-f]{64}", volume) is not None


def _within(path: str, folder: str) -> bool:
    return path == folder or folder == "/" or path.startswith(folder + "/")
