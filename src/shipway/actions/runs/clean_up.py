"""Remove what a run has made on the engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shipway.actions.environment.ownership import own_objects
from shipway.context import Context
from shipway.domain.container import LABEL_APP, LABEL_RUN
from shipway.system.parallel import attempt_all, side_by_side


def clean_up(ctx: Context, app: str, number: int) -> None:
    """Remove every container, network and volume of a run of this ledger. Safe at any time."""
    found = own_objects(ctx, {LABEL_RUN: str(number), LABEL_APP: app})
    removals: dict[str, Callable[[str], None]] = {
        "container": ctx.runtime.remove, "network": ctx.runtime.remove_network, "volume": ctx.runtime.remove_volume,
    }  # fmt: skip
    attempt_all(
        *(
            partial(side_by_side, remove, [item.id for item in found if item.kind == kind])
            for kind, remove in removals.items()
        )
    )
