"""Who acts: the identity recorded with every change."""

from __future__ import annotations

import os
from pathlib import Path

from shipway.domain.errors import RepositoryError
from shipway.domain.identity import author_identity, identity
from shipway.system.login import login

# Variables that prove who acts in this process; what outlives it acts for itself.
PROOFS = TOKEN, DELEGATION = "SHIPWAY_TOKEN", "SHIPWAY_DELEGATION"


class Claim(str):
    """What the command line says about who acts: nothing of it is proven."""

    name: str | None  # of --as
    token: str  # of --token-file; empty without

    def __new__(cls, name: str | None, token: str = "") -> Claim:
        """It is the name; empty without."""
        made = super().__new__(cls, name or "")
        made.name, made.token = name, token
        return made


def actor_of(given: str | None) -> str:
    """Return the acting person's or machine's identity: the given one, else that of SHIPWAY_ACTOR, of git (in the working
    directory, or of this user), or of this machine's user. UsageError if it is invalid."""
    named = given if given is not None else os.environ.get("SHIPWAY_ACTOR") or _git_user()
    return author_identity(login()) if named is None else identity(named)


def _git_user() -> str | None:
    from shipway.system.git import setting

    try:
        return setting(Path.cwd(), "user.email")
    except RepositoryError:
        return None
