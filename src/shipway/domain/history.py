"""The deployment history: the current deployment and the rollback target."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from shipway.domain.release import DESTROY, SUCCEEDED, Deployment


def current(deployments: Sequence[Deployment]) -> Deployment | None:
    """The newest successful deployment. deployments: of an environment, newest first."""
    return next(iter(good(deployments)), None)


def good(deployments: Sequence[Deployment]) -> list[Deployment]:
    """All successful deployments since the last destroy, newest first."""
    return [item for item in since_last_destroy(deployments) if item.outcome == SUCCEEDED]


def rollback_target(deployments: Sequence[Deployment]) -> Deployment | None:
    """The rollback target: the last good deployment of an older release before the current one. None: there is none.

    A release that was rolled back from is never a target; a second rollback goes one release further back.
    """
    below: list[Deployment] = []  # with ascending releases
    for item in reversed(since_last_destroy(deployments)):
        if item.outcome == SUCCEEDED:
            below = [*(older for older in below if older.release < item.release), item]
    return below[-2] if len(below) > 1 else None


def runs_since(deployments: Sequence[Deployment]) -> Deployment | None:
    """The first successful deployment of the current release after that of any other. Deploying the release again
    doesn't change it; a rollback to it does. None: nothing runs."""
    found = good(deployments)
    own = list(takewhile(lambda item: item.release == found[0].release, found))
    return own[-1] if own else None


def previous_release(deployments: Sequence[Deployment], release: int) -> int | None:
    """The release that this one replaced or is going to replace. None: it is the first."""
    return next(
        (
            item.release
            for item in since_last_destroy(deployments)
            if item.outcome == SUCCEEDED and item.release != release
        ),
        None,
    )


def since_last_destroy(deployments: Sequence[Deployment]) -> list[Deployment]:
    """The deployments since the environment was last destroyed. An incomplete destroy is none of them, and ends nothing."""
    since = takewhile(lambda item: not item.destroyed, deployments)
    return [item for item in since if item.kind != DESTROY]
