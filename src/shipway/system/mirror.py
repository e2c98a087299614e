"""A copy of a remote repository on this machine."""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path

from shipway.system.addresses import identity
from shipway.system.git.command import git
from shipway.system.git.login import masked
from shipway.system.locks import exclusive
from shipway.system.umask import PRIVATE

FETCH, ASK = 900.0, 60.0  # seconds
MIRROR, PULLS = "-mirror.git", "-pulls.git"
REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


def name_of(address: str) -> str:
    """The name of the folder of its mirror, on any machine."""
    return f"{sha256(identity(address).encode()).hexdigest()[:16]}{MIRROR}"


def mirror(home: Path, address: str) -> Path:
    """The mirror in the home folder, with the branches and tags of now. RepositoryError if they can't be fetched."""
    return _fetched(home, address, name_of(address), REFS)


def pulled(home: Path, address: str, ref: str) -> Path:
    """A repository with one more ref, such as a pull request's, apart from the mirror: nothing of it is in a branch.
    RepositoryError if it can't be fetched."""
    return _fetched(home, address, name_of(address).replace(MIRROR, PULLS), (f"+{ref}:{ref}",))


def _fetched(home: Path, address: str, name: str, refs: tuple[str, ...]) -> Path:
    folder = _folder(home) / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(folder.with_suffix(".lock"), f"the mirror of {masked(address)}"):
        if not (folder / "HEAD").exists():
            git(home, "init", "--quiet", "--bare", str(folder), umask=PRIVATE)
        git(folder, "config", "remote.origin.url", address, umask=PRIVATE)
        git(
            folder, "fetch", "--quiet", "--prune", "--no-write-fetch-head", "origin", *refs, timeout=FETCH, umask=PRIVATE
        )  # fmt: skip
    return folder


def asked(home: Path, address: str, over: threading.Event | None = None) -> str:
    """What `git ls-remote` says of the branches and tags of now. RepositoryError, at once if it is over."""
    refs = ("refs/heads/*", "refs/tags/*")
    return git(home, "ls-remote", "--", address, *refs, named=False, timeout=ASK, over=over).stdout


def is_mirror(home: Path, folder: Path) -> bool:
    """Whether a repository is one of the above in the home folder, to which nothing is pushed."""
    return folder.name.endswith((MIRROR, PULLS)) and folder.resolve().parent == _folder(home).resolve()


def _folder(home: Path) -> Path:
    return home / "repositories"
