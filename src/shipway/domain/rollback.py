"""Where a rollback goes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from shipway.domain.release import DESTROY, SUCCEEDED, Deployment


def current(deployments: Sequence[Deployment]) -> Deployment | None:
    """The newest deployment that succeeded, of an environment's deployments, newest first."""
    return next((item for item in standing(deployments) if item.outcome == SUCCEEDED), None)


def last_good(deployments: Sequence[Deployment]) -> Deployment | None:
    """The deployment to go back to: the good one of an older release that the current one was put over. None: no way back.

    What somebody went back from is never gone back to, and a second rollback goes one further back.
    """
    below: list[Deployment] = []  # of ever newer releases
    for item in reversed(standing(deployments)):
        if item.outcome == SUCCEEDED:
            below = [*(older for older in below if older.release < item.release), item]
    return below[-2] if len(below) > 1 else None


def left(deployments: Sequence[Deployment], release: int) -> int | None:
    """The release that served before this one, or that does so until this one takes over. None: it is the first."""
    return next((item.release for item in standing(deployments) if item.outcome == SUCCEEDED and item.release != release), None)


def standing(deployments: Sequence[Deployment]) -> list[Deployment]:
    """Those since the environment was last destroyed."""
    return list(takewhile(lambda item: item.kind != DESTROY, deployments))
