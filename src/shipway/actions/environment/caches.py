"""Caches of steps: remove those that are rarely used, and the oldest ones beyond a size."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from shipway.actions.environment.ownership import own_objects
from shipway.context import Context
from shipway.domain.container import LABEL_APP, LABEL_ROLE
from shipway.domain.errors import EngineError, ShipwayError, UsageError
from shipway.domain.size import readable
from shipway.domain.value import dataclass
from shipway.steps.cache import ROLE, used_at

DAY = 86400.0
UNUSED = 30 * DAY  # seconds after which a cache is removed
VARIABLE = "SHIPWAY_CACHE_LIMIT"  # of all caches of an app together, such as 20G
LIMIT = "10G"


@dataclass(frozen=True)
class Cache:
    """A volume that can be removed."""

    volume: str
    size: int | None  # bytes; None: unknown
    reason: str


def removable_caches(ctx: Context, app: str) -> list[Cache]:
    """The caches that are too many. Empty without a question to the engine about sizes if the app has none."""
    found = [item for item in own_objects(ctx, {LABEL_APP: app, LABEL_ROLE: ROLE}) if item.kind == "volume"]
    if not found:
        return []
    limit, now = _limit(), ctx.clock()
    sizes = ctx.runtime.disk_usage().volumes
    used = {item.name: _used(ctx, item.name, item.created) for item in found}
    removals, total = [], 0
    for name in sorted(used, key=lambda name: used[name], reverse=True):
        size = sizes.get(name)
        if now - used[name] > UNUSED:
            removals.append(Cache(name, size, f"not used for {UNUSED / DAY:g} days"))
        elif total + (size or 0) > limit:
            removals.append(Cache(name, size, f"the caches that were used later fill {readable(limit)}"))
        else:
            total += size or 0
    return removals


def remove_cache(ctx: Context, cache: Cache) -> bool:
    """Remove it; False if a container uses it."""
    try:
        ctx.runtime.remove_volume(cache.volume)
    except EngineError:
        return False
    used_at(ctx.home, cache.volume).unlink(missing_ok=True)
    return True


def prune_caches_daily(ctx: Context, app: str) -> None:
    """At the end of a run, at most once a day: the engine measures its volumes. Failures are reported, and fail no run."""
    mark = used_at(ctx.home, f"{app}.pruned")
    if not mark.parent.is_dir() or time.time() - _changed(mark, 0.0) < DAY:
        return
    try:
        mark.touch()
        for cache in removable_caches(ctx, app):
            remove_cache(ctx, cache)
    except (ShipwayError, OSError) as error:
        ctx.reporter.note(f"old caches of steps were not removed: {error}")


def _limit() -> int:
    text = os.environ.get(VARIABLE, LIMIT)
    found = re.fullmatch(r"([1-9][0-9]{0,5})([MG])", text)
    if not found:
        raise UsageError(f"{VARIABLE} is {text!r}, which is no size", hint=f"set it to a size such as {LIMIT} or 500M")
    return int(found[1]) << {"M": 20, "G": 30}[found[2]]


def _used(ctx: Context, volume: str, created: float) -> float:
    return _changed(used_at(ctx.home, volume), created)


def _changed(path: Path, otherwise: float) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return otherwise
