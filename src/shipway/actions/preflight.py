"""Look whether a host has space for a release, before anything is begun there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from shipway.context import Context
from shipway.domain.count import counted
from shipway.domain.disk import relief
from shipway.domain.errors import DiskFull, EngineError, RegistryError
from shipway.domain.image import Layer, repository_of
from shipway.domain.plan import Plan
from shipway.domain.size import readable

# Bytes on the disk for each byte that is moved: a layer unpacks to about 3 times its size (2.5 to 3.6, measured on the
# images of Node, Python, PostgreSQL, Redis, Caddy and Traefik), and lies there packed as well until it is unpacked.
EXPANSION = 4
SPARE = 500_000_000  # bytes that must be left: for logs, which may take 30 MB a container, and what databases write


def space_needed(ctx: Context, plan: Plan, references: Sequence[str]) -> dict[str, int]:
    """Bytes that each of these images (repository@digest) will take on this host; nothing for those that are there.

    Layers that images of the same repository have brought already aren't counted. What only another registry could
    tell (an image that the team doesn't build) is left out, and so is what the registry doesn't tell now: pulling it
    will say why.
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
    """DiskFull where this host has less than that and SPARE; nothing is looked at where nothing is needed."""
    if not needed:
        return
    free = ctx.runtime.free_space()
    total = sum(needed.values())
    if free is None or free >= total + SPARE:
        return
    images = counted(len(needed), "image")
    raise DiskFull(
        f"the disk of {ctx.machine.name} is too full: {readable(free)} are free, and {images} to pull need about "
        f"{readable(total)}, with {readable(SPARE)} to spare",
        hint=_relief(ctx),
    )


def _shared(ctx: Context, repository: str, layers: Sequence[Layer]) -> int:
    """How many of the layers, from the lowest on, an image of the same repository has on the engine."""
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
        return relief(ctx.runtime.disk_usage())
    except EngineError:  # too busy to count
        return relief()
