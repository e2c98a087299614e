"""What a walked way is worth. Pure: what was found goes in, verdict and reasons come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.catalog import Catalog, Difference, reordered
from shipway.domain.proof import COLUMN_ORDER, DATA_LOST, FAILS, IRREVERSIBLE, NOT_RESTORED, RESTORED, Loss

Order = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]  # columns by table, before and after


@dataclass(frozen=True)
class Findings:
    """What was seen on the way up, down and up again. What comes after a failure was not walked."""

    up_failed: str = ""  # in the words of who failed
    no_way_down: str = ""  # the tool's words
    idle_down: bool = False  # it ran, and changed nothing of what the way up had changed
    down_failed: str = ""
    differences: tuple[Difference, ...] = ()  # of the schema before, and after the way down
    order: Order = field(default_factory=dict)  # where the columns stand in another one after the way down
    losses: tuple[Loss, ...] = ()
    collisions: tuple[str, ...] = ()  # sequences that give a value next which a row has already
    again_failed: str = ""
    again: tuple[Difference, ...] = ()  # of the schema after the first way up, and after the second


def judge(found: Findings) -> tuple[str, tuple[str, ...]]:
    """Verdict and reasons, the worst first.

    A way down that does nothing is none, whatever the second way up makes of that. Else a failure is the verdict, the
    second way up's too; its reasons tell what was in its way. After it counts what the schema lacks, then the rows.
    """
    if found.up_failed:
        return FAILS, (f"the way up fails: {found.up_failed}",)
    if found.no_way_down:
        return IRREVERSIBLE, (found.no_way_down,)
    if found.down_failed:
        return FAILS, (f"the way down fails: {found.down_failed}",)
    if found.idle_down:
        return IRREVERSIBLE, ("the way down changes nothing: all that the way up made is still there",)
    left = tuple(f"after the way down: {difference}" for difference in found.differences)
    lost = tuple(describe(loss) for loss in found.losses)
    lost += tuple(f"sequence {name} will give a number that a row has already" for name in found.collisions)
    moved = tuple(
        f"columns of {table} stand in another order: {', '.join(after)}; before: {', '.join(before)}"
        for table, (before, after) in found.order.items()
    )
    other = tuple(f"after the second way up, and not after the first: {difference}" for difference in found.again)
    if found.again_failed:
        return FAILS, (f"the second way up fails: {found.again_failed}", *left, *lost)
    if left or other:
        return NOT_RESTORED, (*left, *other, *lost)
    if lost:
        return DATA_LOST, (*lost, *moved)
    return (COLUMN_ORDER, moved) if moved else (RESTORED, ())


def describe(loss: Loss) -> str:
    """In words."""
    before, after = loss.rows
    if before != after:
        return f"{loss.table} has {after} rows, {before} before"
    return f"{loss.table} has other values in {', '.join(loss.columns)} ({before} rows)"



def order_of(before: Catalog, after: Catalog) -> Order:
    """Where columns stand in another order."""
    return {table: (before.order[table], after.order[table]) for table in reordered(before, after)}
