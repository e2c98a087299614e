"""Wide matrices: all of them with FULL=1, an even sample in the usual run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

FULL = bool(os.environ.get("FULL"))
Point = TypeVar("Point")


def sample(points: Iterable[Point], share: float, first: int = 0) -> list[Point]:
    """This share of the points, of which `first` moves the choice; all where the whole matrix is asked for."""
    share = 1.0 if FULL else share
    return [point for number, point in enumerate(points, first) if int((number + 1) * share) > int(number * share)]
