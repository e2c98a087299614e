"""The pipeline as a graph: which steps can start now, and which never will."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def runnable(needs: Mapping[str, Collection[str]], done: Collection[str], begun: Collection[str]) -> list[str]:
    """Steps that have not begun and whose needs are all done, in the order of the plan."""
    return [name for name in needs if name not in begun and all(need in done for need in needs[name])]


def blocked(needs: Mapping[str, Collection[str]], failed: Collection[str]) -> dict[str, str]:
    """Steps that can't run, each with the failed step that it needs directly or indirectly."""
    causes: dict[str, str] = {}
    changed = True
    while changed:
        changed = False
        for name, own in needs.items():
            if name in causes or name in failed:
                continue
            cause = next(
                (need if need in failed else causes[need] for need in own if need in failed or need in causes), ""
            )
            if cause:
                causes[name], changed = cause, True
    return causes


def upstream(needs: Mapping[str, Collection[str]], name: str) -> list[str]:
    """All steps that `name` needs directly or indirectly, in the order of the plan."""
    found: set[str] = set()
    queue = list(needs[name])
    while queue:
        need = queue.pop()
        if need not in found:
            found.add(need)
            queue.extend(needs[need])
    return [step for step in needs if step in found]
