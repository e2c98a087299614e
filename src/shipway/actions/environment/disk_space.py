"""Check whether a host has space for a release, before anything is started there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from shipway.context import Context
from shipway.domain.count import counted
from shipway.domain.disk import relief
from shipway.domain.errors import DiskFull, EngineError, RegistryError
from shipway.domain.image import Layer, repository_of
from shipway.domain.plan import Plan
from shipway.domain.size import readable

# Bytes on disk for each transferred byte: a layer unpacks to about 3 times its size (2.5 to 3.6, measured on the images
# of six common languages, databases and proxies), and is stored packed as well until it is unpacked.
EXPANSION = 4
SPARE = 500_000_000  # bytes that must remain: for logs, up to 30 MB per container, and writes of databases


def space_needed(ctx: Context, plan: Plan, references: Sequence[str]) -> dict[str, int]:
    """Bytes that each of these images (repository@digest) will take on this host; present images are omitted.

    Excludes layers already brought by images of the same repository, images of other registries (not built by the
    team), and images that the registry can't describe now: pulling them will report why.
    """
    missing = [reference for reference in dict.fromkeys(references) if ctx.images.inspect(reference) is None]
    if not missing:
        return {}
    registry = ctx.registry(plan)
    own = registry.repository(plan.app, "").rstrip("/") + "/"
    needed: dict[str, int] = {}
    for reference in missing:
        repository, _, digest = reference.partition("@")
        if not repository.startswith(own):
            continue
        try:
            layers = registry.layers(repository, digest)
        except RegistryError:
            continue
        needed[reference] = EXPANSION * sum(layer.size for layer in layers[_shared(ctx, repository, layers) :])
    return needed


def require_space(ctx: Context, needed: Mapping[str, int]) -> None:
    """DiskFull if this host has less than that plus SPARE; nothing is checked if nothing is needed."""
    if not needed:
        return
    takes = f"{counted(len(needed), 'image')} to pull need about"
    require_free(ctx, sum(needed.values()), takes, hint=_relief)


def require_free(
    ctx: Context, needed: int, takes: str, *, purpose: str = "", hint: Callable[[Context], str] | None = None
) -> None:
    """DiskFull if this host has fewer than these bytes plus SPARE, as far as it is known. takes: what takes them, with a
    verb; hint: of the error, in place of the usual one."""
    free = ctx.runtime.free_space()
    if free is None or free >= needed + SPARE:
        return
    raise DiskFull(
        f"the disk of {ctx.machine.name} is too full{purpose}: {readable(free)} are free, but {takes} {readable(needed)}, "
        f"and {readable(SPARE)} must remain free",
        hint=hint(ctx) if hint else relief(ctx.runtime.commands),
    )


def _shared(ctx: Context, repository: str, layers: Sequence[Layer]) -> int:
    """Number of the lowest layers that an image of the same repository already has on the engine."""
    best = 0
    for image in ctx.images.list():
        if any(repository_of(name) == repository for name in image.names):
            root = (ctx.images.inspect(image.id) or {}).get("RootFS")
            there = root["Layers"] if isinstance(root, dict) else []
            pairs = takewhile(lambda pair: pair[0].content == pair[1], zip(layers, there, strict=False))
            best = max(best, sum(1 for _ in pairs))
    return best


def _relief(ctx: Context) -> str:
    try:
        return relief(ctx.runtime.commands, ctx.runtime.disk_usage())
    except EngineError:  # too busy to count
        return relief(ctx.runtime.commands)
