"""The recorded repository: branches, tags and files, read at its own address and never from a clone's refs."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from shipway.domain.errors import RepositoryError
from shipway.domain.value import dataclass
from shipway.system.addresses import identity, is_bare, is_path, plain
from shipway.system.git import Repository
from shipway.system.git.command import settings
from shipway.system.git.login import Login, as_variables, masked, without_credentials
from shipway.system.objects import Kept, leads_to, read_file

ALONE = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull,
}  # fmt: skip
TIMEOUT = 120.0  # seconds for a conversation with a server
# Of a clone's configuration, which any earlier step may have written, only what provides credentials is used.
_CREDENTIALS = re.compile(r"credential\..*|http\..*extraheader|core\.sshcommand")
_PERSONAL = re.compile(r"credential\..*|http\..*|core\.sshcommand|ssh\..*")


@dataclass(frozen=True)
class Refs:
    """A repository's refs at one moment."""

    commits: Mapping[str, str]  # refs/heads/… and refs/tags/…: the commit
    head: str | None  # the branch of HEAD, which may not exist

    def branches(self) -> dict[str, str]:
        """Commits by branch."""
        return {
            name.removeprefix("refs/heads/"): commit
            for name, commit in self.commits.items()
            if name.startswith("refs/heads/")
        }

    def tags(self) -> dict[str, str]:
        """Commits by tag."""
        return {
            name.removeprefix("refs/tags/"): commit
            for name, commit in self.commits.items()
            if name.startswith("refs/tags/")
        }


@dataclass(frozen=True)
class Origin:
    """A repository at an address. RepositoryError if it is unreachable."""

    address: str  # as recorded
    url: str  # by which this clone reaches it, may contain credentials
    clone: Repository  # provides objects and credentials
    home: Path
    _seen: dict[str, Refs] = field(default_factory=dict, compare=False, repr=False)
    _objects: Kept = field(default_factory=dict, compare=False, repr=False)  # of the clone: an object is read once

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine, which is read directly."""
        return is_path(self.url)

    def refs(self, *, fresh: bool = False) -> Refs:
        """Branches and tags of the repository; cached unless `fresh`."""
        if fresh or "refs" not in self._seen:
            self._seen["refs"] = self._read_refs()
        return self._seen["refs"]

    def _read_refs(self) -> Refs:
        if self.is_local:
            return self._local_refs()
        lines = self._talk(
            "ls-remote", "--symref", "--", self._sent[0], "HEAD", "refs/heads/*", "refs/tags/*"
        ).splitlines()
        commits: dict[str, str] = {}
        head = None
        for line in lines:
            what, _, name = line.partition("\t")
            if what.startswith("ref: ") and name == "HEAD":
                head = what.removeprefix("ref: refs/heads/")
            elif name.endswith("^{}"):
                commits[name.removesuffix("^{}")] = what  # the commit of an annotated tag
            elif name != "HEAD":
                commits.setdefault(name, what)
        return Refs(commits, head)

    def _local_refs(self) -> Refs:
        layout = "%(refname) %(objectname) %(*objectname)"
        done = self._ask_clone("for-each-ref", f"--format={layout}", "refs/heads", "refs/tags")
        if done.returncode:
            raise RepositoryError(
                f"the repository {self.address} can't be read: {done.stderr.decode(errors='replace').strip()}",
                hint=UNREACHABLE,
            )
        rows = [line.split(" ") for line in done.stdout.decode("utf-8", "surrogateescape").splitlines()]
        head = None
        if is_bare(self.url):  # HEAD of a work tree is only what is checked out
            named = self._ask_clone("symbolic-ref", "--quiet", "HEAD").stdout.decode(errors="replace").strip()
            head = named.removeprefix("refs/heads/")
        return Refs({row[0]: row[2] or row[1] for row in rows}, head)

    def text(self, branch: str, path: str) -> str | None:
        """A file at the tip of a branch; None if it is missing."""
        commit = self.refs().branches().get(branch)
        if commit is None:
            return None
        complete, found = read_file(self._ask_clone, self._objects, commit, path)
        if not complete and not self.is_local:
            complete, found = read_file(self._ask_cache, {}, commit, path)
            if not complete:
                self._fetch(branch, "--depth=1")
                _, found = read_file(self._ask_cache, {}, commit, path)
        return None if found is None else found.decode("utf-8", "replace")

    def text_at(self, commit: str, path: str) -> str | None:
        """A file of a commit in the clone; None if it is missing. RepositoryError if an object was forged."""
        _, found = read_file(self._ask_clone, self._objects, commit, path)
        return None if found is None else found.decode("utf-8", "replace")

    def repository_of(self, branch: str) -> Path:
        """A repository on this machine with the tip of a branch: of what was fetched from the address, never the clone, whose
        objects any earlier program could have written."""
        if self.is_local:
            return Path(self.url)
        if self.refs().branches()[branch] != self._cached(branch):
            self._fetch(branch)
        return self.cache

    def _cached(self, branch: str) -> str:
        return self._ask_cache("rev-parse", "--verify", "--quiet", _kept(branch)).stdout.decode().strip()

    def contains(self, branches: Sequence[str], revision: str) -> list[str]:
        """The given branches that contain the commit."""
        tips = self.refs().branches()
        return [name for name in branches if name in tips and self._leads_to(name, tips[name], revision)]

    def was_tip(self, branch: str, revision: str) -> bool:
        """Whether the commit is in the branch's history, and not only by a merge: those of a merged branch
        may be unreviewed one by one."""
        tip = self.refs().branches().get(branch)
        return tip is not None and self._leads_to(branch, tip, revision, merged=False)

    def has(self, revision: str) -> bool:
        """Whether any branch or tag reaches the commit."""
        branches = self.refs().branches()
        return revision in self.refs().commits.values() or any(
            self._leads_to(name, tip, revision) for name, tip in branches.items()
        )

    def is_older(self, revision: str, than: str, branch: str) -> bool:
        """Whether a commit of the branch is in the history of another commit, and not the same."""
        found = False if revision == than else leads_to(self._ask_clone, self._objects, than, revision)
        if found or self.is_local or not (found is None or self.clone_is_shallow):
            return bool(found)
        tip = self.refs().branches().get(branch)
        if tip is None:
            return False
        self._history(branch, tip)
        return leads_to(self._ask_cache, {}, than, revision) is True

    def before(self, branch: str, path: str) -> str:
        """The commit on the branch before the one that added the file; "": that is the first one. The tip if the branch
        lacks the file."""
        tip = self.refs().branches().get(branch, "")
        if not tip or self.text(branch, path) is None:
            return tip
        ask = self._ask_clone
        if not self.is_local and (self.clone_is_shallow or ask("cat-file", "-e", tip).returncode):
            self._history(branch, tip)
            ask = self._ask_cache
        lines = (
            ask("log", "--first-parent", "--diff-filter=A", "--format=%P", tip, "--", path).stdout.decode().splitlines()
        )
        return lines[-1].partition(" ")[0] if lines else ""

    def _leads_to(self, branch: str, tip: str, revision: str, *, merged: bool = True) -> bool:
        """Asks the server for history that the clone lacks."""
        found = leads_to(self._ask_clone, self._objects, tip, revision, merged=merged)
        if found or self.is_local or (found is False and not self.clone_is_shallow):
            return bool(found)
        self._history(branch, tip)
        return leads_to(self._ask_cache, {}, tip, revision, merged=merged) is True

    def _history(self, branch: str, tip: str) -> None:
        """Fetch the whole history of a branch into the cache."""
        if self._cached(branch) != tip or (self.cache / "shallow").exists():
            self._fetch(branch, *(["--unshallow"] if (self.cache / "shallow").exists() else []))

    @cached_property
    def clone_is_shallow(self) -> bool:
        """Whether the clone's history is shallow."""
        return self._ask_clone("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"

    @property
    def cache(self) -> Path:
        """A separate bare repository for what is fetched."""
        return self.home / "repositories" / f"{sha256(identity(self.address).encode()).hexdigest()[:16]}.git"

    def _fetch(self, branch: str, *how: str) -> None:
        with self._alone():
            self._talk("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", *how, "--", self._sent[0],
                       f"+refs/heads/{branch}:{_kept(branch)}")  # fmt: skip

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process fetches at a time."""
        self._made_cache()
        with open(self.cache.with_suffix(".lock"), "w", encoding="utf-8") as file:
            deadline = time.monotonic() + TIMEOUT
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise RepositoryError(
                            f"another process is still fetching {self.address}", hint="try again"
                        ) from None
                    time.sleep(0.05)
            yield

    def _ask_clone(self, *args: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git in the clone, or in the repository itself if it is on this machine."""
        return self._run(args, Path(self.url) if self.is_local else self.clone.path, plain() | ALONE, input)

    def _ask_cache(self, *args: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self._run(args, self._made_cache(), _clean(), input)

    def _made_cache(self) -> Path:
        if not (self.cache / "HEAD").exists():
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            self._run(["init", "--quiet", "--bare", str(self.cache)], self.home, _clean())
        return self.cache

    def _talk(self, *args: str) -> str:
        done = self._run(args, self._made_cache(), as_variables(self._sent[1], _clean(), self._settings))
        if done.returncode:
            words = masked(done.stderr.decode("utf-8", "replace").strip().replace(self._sent[0], self.address))
            raise RepositoryError(f"the repository {self.address} can't be read: {words}", hint=UNREACHABLE)
        return done.stdout.decode("utf-8", "surrogateescape")

    @cached_property
    def _sent(self) -> tuple[str, Login]:
        return without_credentials(self.url)

    @cached_property
    def _settings(self) -> list[tuple[str, str]]:
        """git's configuration of credentials. `insteadOf` etc. would lead elsewhere."""
        done = self._run(["config", "--list", "-z", "--show-scope"], self.clone.path, plain())
        parts = done.stdout.decode("utf-8", "surrogateescape").split("\0")
        found = []
        for scope, setting in zip(parts[::2], parts[1::2], strict=False):
            key, _, value = setting.partition("\n")
            wanted = _CREDENTIALS if scope in ("local", "worktree") else _PERSONAL
            if wanted.fullmatch(key):
                found.append((key, value))
        return found

    def _run(
        self, args: Sequence[str], folder: Path, environment: Mapping[str, str], input: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", *settings(), *args],
                cwd=folder,
                env=environment,
                capture_output=True,
                input=input,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RepositoryError(
                f"the repository {self.address} didn't answer within {TIMEOUT:g} s", hint=UNREACHABLE
            ) from None
        except OSError as error:
            raise RepositoryError(
                f"the repository {self.address} can't be read: {error.strerror}", hint=UNREACHABLE
            ) from error


UNREACHABLE = (
    "deployments need it for the rules in force; rollbacks don't. Check the address and git's credentials; if the "
    "repository has moved: shipway rules register --reason TEXT"
)


def _kept(branch: str) -> str:
    """The branch's ref in the cache: `release/1` can coexist with a former branch `release`."""
    return f"refs/heads/{sha256(branch.encode('utf-8', 'surrogateescape')).hexdigest()}"


def _clean() -> dict[str, str]:
    """Also without the user's configuration."""
    return plain() | ALONE | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
