"""What an engine keeps on its disk that could go. All sizes are bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DiskUsage:
    """As the engine counts it itself."""

    unused_images: int = 0  # of images that no container has, running or not, without the layers that others share
    build_cache: int = 0
    orphans: Mapping[str, int] = field(default_factory=dict)  # volumes without a name that no container has: id: size
