"""Whom files belong to: those of Shipway to its user alone, those in the user's repository to whom the user wants."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

PRIVATE = 0o077
_users = -1  # before `keep_private`; -1: unchanged


def keep_private() -> None:
    """From now on all that this process and its programs create is readable and writable by its user only, whatever the
    user's umask: 0600, folders 0700."""
    global _users
    before = os.umask(PRIVATE)
    _users = before if _users < 0 else _users


def of_user() -> int:
    """The umask that this process was started with, as subprocess takes it; -1: unchanged."""
    return _users


@contextmanager
def as_user() -> Iterator[None]:
    """Create files as the user's other programs do. For commands that do one thing at a time: it is of the process."""
    if _users < 0:
        yield
        return
    before = os.umask(_users)
    try:
        yield
    finally:
        os.umask(before)
