"""Where an accessory stores its data: the volumes that an image declares, compared with the plan's `volume`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from shipway.domain.image import base_name
from shipway.domain.plan import Accessory

POSTGRES_DATA = "/var/lib/postgresql/data"
_POSTGRES_18 = "/var/lib/postgresql"  # of the volume, from version 18 on
MYSQL_DATA = "/var/lib/mysql"
# Volumes of well-known images, if the image itself can't be inspected.
_KNOWN = {
    "mysql": MYSQL_DATA, "mariadb": MYSQL_DATA, "redis": "/data", "valkey": "/data", "rabbitmq": "/var/lib/rabbitmq",
    "mongo": "/data/db", "influxdb": "/var/lib/influxdb2",
}  # fmt: skip


def variables_of(config: Mapping[str, object] | None) -> dict[str, str]:
    """Environment variables of an image. config: from the engine."""
    found = (config or {}).get("Env")
    return dict(str(item).partition("=")[::2] for item in found) if isinstance(found, list) else {}


def declared_by(config: Mapping[str, object] | None) -> tuple[str, ...]:
    """Paths of the volumes that an image declares. config: from the engine."""
    found = (config or {}).get("Volumes")
    return tuple(sorted(posixpath.normpath(str(path)) for path in found)) if isinstance(found, dict) else ()


def known_volumes(accessory: Accessory) -> tuple[str, ...]:
    """Paths of the volumes that a well-known image declares; empty if unknown."""
    name = base_name(accessory.image)
    if name in ("postgres", "postgis"):
        version = re.match(r"(\d+)", accessory.image.split("@")[0].rpartition("/")[2].partition(":")[2])
        return (_POSTGRES_18 if version and int(version[1]) >= 18 else POSTGRES_DATA,)
    return (_KNOWN[name],) if name in _KNOWN else ()


def usual_variables(accessory: Accessory) -> dict[str, str]:
    """Known variables of a well-known image."""
    usual: dict[tuple[str, ...], str] = {(POSTGRES_DATA,): POSTGRES_DATA, (_POSTGRES_18,): f"{_POSTGRES_18}/18/docker"}
    found = usual.get(known_volumes(accessory))
    return {"PGDATA": found} if found else {}


def data_folder(accessory: Accessory, variables: Mapping[str, str]) -> str | None:
    """The folder of its server's files; None if unknown. variables: of the image."""
    if accessory.kind == "postgres":
        found = {**variables, **accessory.environment}.get("PGDATA")
        return posixpath.normpath(found) if found else None
    if accessory.kind == "mysql" and "--datadir" not in (accessory.command or ""):
        return MYSQL_DATA
    return None


def right_path(accessory: Accessory, declared: Iterable[str], variables: Mapping[str, str]) -> str | None:
    """The correct path of `volume`; None if it is correct already or nothing is known.

    A volume of the plan above or beside the declared one preserves nothing: the engine stores the data in an anonymous
    volume that is removed with the container.
    """
    if accessory.volume is None:
        return None
    volume, paths = posixpath.normpath(accessory.volume), tuple(declared)
    data = data_folder(accessory, variables)
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
