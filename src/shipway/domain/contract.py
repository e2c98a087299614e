"""Migrations that wait for the release after the one that brings them: what the code before still needs is dropped late. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase


def released(pending: Sequence[str], called: Mapping[str, str], pattern: str | None, brought: str | None) -> tuple[str, ...]:
    """Those of the pending revisions (oldest first) that a deployment applies: all before the first that waits.

    called: a revision's name, which the pattern is held against, as the revision itself is. brought: the newest revision
    that the release before brings: what that one held back waits no longer.
    """
    if pattern is None:
        return tuple(pending)
    ripe = pending.index(brought) + 1 if brought in pending else 0
    for index, revision in enumerate(pending[ripe:], ripe):
        if any(fnmatchcase(name, pattern) for name in (revision, called.get(revision, revision))):
            return tuple(pending[:index])
    return tuple(pending)
