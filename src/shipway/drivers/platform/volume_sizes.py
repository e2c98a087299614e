"""Sizes of the volumes of an environment in a cluster. One that is there keeps its size: a StatefulSet with another one is refused by
every API server, and a claim can grow only where its storage class lets it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

Object = dict[str, Any]
Sizes = Mapping[tuple[str, str], str]  # by kind and name
SIZED = {"StatefulSet": "apps/v1", "PersistentVolumeClaim": "v1"}  # kinds with a size
UNITS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def sizes_of(objects: Iterable[Object]) -> Sizes:
    """Those that objects ask for."""
    found = {(item["kind"], item["metadata"]["name"]): _asked(item) for item in objects}
    return {key: str(asked["resources"]["requests"]["storage"]) for key, asked in found.items() if asked is not None}


def with_kept_size(item: Object, there: Sizes) -> Object:
    """The object with the size of the volume that is there."""
    size = there.get((item["kind"], item["metadata"]["name"]))
    if size is None:
        return item
    changed = deepcopy(item)
    if (asked := _asked(changed)) is not None:
        asked["resources"] = {"requests": {"storage": size}}
    return changed


def other_sizes(objects: Iterable[Object], there: Sizes) -> list[str]:
    """What objects ask for and don't get, as sentences."""
    asked = sizes_of(objects)
    return [
        f"{asked[key]} for the volume of {key[1]}: it keeps its {size}; `kubectl edit pvc` changes that where the cluster can"
        for key, size in there.items()
        if key in asked and _bytes(asked[key]) != _bytes(size)
    ]


def _asked(item: Object) -> Object | None:
    if item["kind"] not in SIZED:
        return None
    claims = [item] if item["kind"] == "PersistentVolumeClaim" else item["spec"].get("volumeClaimTemplates") or []
    return claims[0]["spec"] if claims else None


def _bytes(size: str) -> float | str:
    """A cluster writes 1024Mi as 1Gi."""
    found = re.fullmatch(r"([0-9.]+)([kMGT]i?|Ki)?", size)
    return float(found[1]) * UNITS.get(found[2] or "", 1) if found else size
