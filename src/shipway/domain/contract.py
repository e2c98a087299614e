"""Deferred (contract) migrations, which are applied one release later: the previous code still needs what they drop.
Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase


def released(
    pending: Sequence[str], called: Mapping[str, str], pattern: str | None, brought: str | None
) -> tuple[str, ...]:
    """Return the pending revisions (oldest first) that a deployment applies: all before the first deferred one.

    called: names of revisions; the pattern is matched against the name and the revision. brought: the newest revision
    of the previous release: migrations deferred there are applied now.
    """
    if pattern is None:
        return tuple(pending)
    ripe = pending.index(brought) + 1 if brought in pending else 0
    for index, revision in enumerate(pending[ripe:], ripe):
        if any(fnmatchcase(name, pattern) for name in (revision, called.get(revision, revision))):
            return tuple(pending[:index])
    return tuple(pending)
