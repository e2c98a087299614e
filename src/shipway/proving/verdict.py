"""Judge a round trip. Pure: findings in, verdict and reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.catalog import Catalog, Difference, reordered
from shipway.domain.proof import (
    COLUMN_ORDER,
    COSMETIC,
    DATA_LOST,
    FAILS,
    HALF_APPLIED,
    IRREVERSIBLE,
    NOT_RESTORED,
    RESTORED,
    ROWS_ADDED,
    Loss,
)
from shipway.domain.value import dataclass

Order = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]  # columns by table, before and after


@dataclass(frozen=True)
class Findings:
    """Findings of up, down and up again. Nothing runs after a failure."""

    up_failed: str = ""  # message of the failing tool or server
    no_down: str = ""  # the tool's message
    idle_down: bool = False  # it ran, but reverted none of the changes
    down_failed: str = ""
    differences: tuple[Difference, ...] = ()  # of the schema before, and after down
    cosmetic: tuple[Difference, ...] = ()  # only in white space and comments of code
    order: Order = field(default_factory=dict)  # if the order of columns differs after down
    losses: tuple[Loss, ...] = ()
    collisions: tuple[str, ...] = ()  # sequences whose next value is already in a row
    again_failed: str = ""
    left: tuple[Difference, ...] = ()  # what the failed up, down or second up has changed nevertheless
    again: tuple[Difference, ...] = ()  # of the schema after the first up, and after the second


def judge(found: Findings) -> tuple[str, tuple[str, ...]]:
    """Verdict and reasons, most severe first.

    A down migration that does nothing counts as missing, whatever the second up does. Next come failures, including the
    second up's, whose reasons list what prevented it; then schema differences, then lost rows, then added ones.
    """
    failed = HALF_APPLIED if found.left else FAILS
    left = tuple(f"the failed migration has left: {difference}" for difference in found.left)
    if found.up_failed:
        return failed, (f"the up migration failed: {found.up_failed}", *left)
    if found.no_down:
        return IRREVERSIBLE, (found.no_down,)
    if found.down_failed:
        return failed, (f"the down migration failed: {found.down_failed}", *left)
    if found.idle_down:
        return IRREVERSIBLE, ("the down migration changes nothing: all changes of the up migration remain",)
    unrestored = tuple(f"after the down migration: {difference}" for difference in found.differences)
    lost = tuple(describe(loss) for loss in found.losses if not loss.only_added)
    added = tuple(describe(loss) for loss in found.losses if loss.only_added)
    lost += tuple(f"the next value of sequence {name} is already used by a row" for name in found.collisions)
    moved = tuple(
        f"columns of {table} are in another order: {', '.join(after)}; before: {', '.join(before)}"
        for table, (before, after) in found.order.items()
    )
    moved += tuple(
        f"the code of {item.kind} {item.name} differs in white space, comments or the order of settings"
        for item in found.cosmetic
    )
    other = tuple(f"after the second up migration, but not after the first: {difference}" for difference in found.again)
    if found.again_failed:
        return failed, (f"the second up migration failed: {found.again_failed}", *unrestored, *lost, *added, *left)
    if unrestored or other:
        return NOT_RESTORED, (*unrestored, *other, *lost, *added)
    if lost or added:
        return DATA_LOST if lost else ROWS_ADDED, (*lost, *added, *moved)
    if found.order:
        return COLUMN_ORDER, moved
    return (COSMETIC, moved) if moved else (RESTORED, ())


def describe(loss: Loss) -> str:
    """Render a loss as a message."""
    before, after = loss.rows
    if loss.only_added:
        return f"{loss.table} has {after} rows; before: {before}. All earlier rows are unchanged, {after - before} were added"
    if before != after:
        return f"{loss.table} has {after} rows; before: {before}"
    return f"{loss.table} has different values in {', '.join(loss.columns)} ({before} rows)"


def order_of(before: Catalog, after: Catalog) -> Order:
    """Tables whose order of columns differs."""
    return {table: (before.order[table], after.order[table]) for table in reordered(before, after)}
