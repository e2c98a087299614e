"""The team's repository, over the git command line; in a work tree, in a bare repository, and inside a hook."""

from __future__ import annotations

import difflib
import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shipway.domain.errors import RepositoryError
from shipway.domain.release import Commit

TIMEOUT = 60.0
CHUNK = 1 << 16
GLOB = {r"\*\*/": "(?:.*/)?", r"\*\*": ".*", r"\*": "[^/]*", r"\?": "[^/]"}


@dataclass(frozen=True)
class Repository:
    """A git repository. `path` is its work tree, or itself where it is bare."""

    path: Path

    @classmethod
    def find(cls, path: Path) -> Repository:
        """The repository that a folder belongs to. RepositoryError where there is none."""
        try:
            done = _git(path, "rev-parse", "--is-bare-repository", "--show-toplevel", check=False)
            if done.returncode:
                done = _git(path, "rev-parse", "--absolute-git-dir", check=False)
        except FileNotFoundError:
            raise RepositoryError("git is not installed", hint="install it, for example: apt-get install git") from None
        if done.returncode:
            raise RepositoryError(f"{path} is in no git repository", hint="go into one, or: git init")
        return cls(Path(done.stdout.splitlines()[-1]))

    def commit(self, revision: str) -> Commit:
        """A branch, tag or hash as a commit."""
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", check=False)
        if done.returncode:
            raise RepositoryError(f"there is no revision {revision!r}", hint=self._near(revision))
        text = self._run("show", "--no-patch", "--format=%H%n%T%n%ae%n%s", done.stdout.strip()).stdout
        full, tree, author, subject, *_ = [*text.split("\n"), ""]
        return Commit(full, tree, author, subject)

    def ref(self, revision: str) -> str:
        """The full name (refs/heads/…, refs/tags/…) of what a person typed; the text itself where it is no ref."""
        done = self._run("rev-parse", "--symbolic-full-name", "--verify", "--quiet", revision, check=False)
        return done.stdout.strip() or revision

    def is_dirty(self) -> bool:
        """Whether the work tree differs from HEAD; untracked files don't count. A bare repository is clean."""
        if self._run("rev-parse", "--is-bare-repository").stdout.strip() == "true":
            return False
        return bool(self._run("status", "--porcelain", "--untracked-files=no").stdout.strip())

    def tree_hash(self, revision: str, path: str) -> str | None:
        """Hash of a folder or file at a revision; None where it isn't there."""
        done = self._run("rev-parse", "--verify", "--quiet", f"{revision}:{path.strip('/')}", check=False)
        return done.stdout.strip() or None

    def tree_hashes(self, revision: str, patterns: Sequence[str]) -> dict[str, str]:
        """Mode and hash of all files that match a pattern: a path, a folder, or a glob where ** spans folders, or none."""
        found: dict[str, str] = {}
        for line in self._run("ls-tree", "-r", "-z", revision).stdout.split("\0"):
            kind, _, path = line.partition("\t")
            if path and any(_matches(path, pattern) for pattern in patterns):
                found[path] = " ".join(kind.split())  # mode, type and hash
        return found

    def archive(self, revision: str, folder: str | None = None, *, prefix: str = "") -> Iterator[bytes]:
        """Tar stream of the exact commit, or of one folder of it with names relative to that folder, below a prefix."""
        where = f"{revision}:{folder.strip('/')}" if folder else revision
        process = subprocess.Popen(
            ["git", "archive", "--format=tar", *([f"--prefix={prefix}/"] if prefix else []), where], cwd=self.path, env=_environment(), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            while chunk := process.stdout.read(CHUNK):
                yield chunk
        finally:
            process.stdout.close()
            if process.wait() not in (0, -13):
                raise RepositoryError(f"git archive of {where} failed")

    def export(self, revision: str, target: Path, *, folder: str | None = None) -> None:
        """Unpack the commit, or a folder of it, into a directory."""
        if folder and self.tree_hash(revision, folder) is None:
            raise RepositoryError(f"there is no folder {folder} at {revision[:12]}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(self.archive(revision, folder)))) as tar:
            tar.extractall(target, filter="tar")

    def show(self, revision: str, path: str) -> str | None:
        """Text of a file at a revision; None where it isn't there."""
        done = self._run("show", f"{revision}:{path}", check=False)
        return None if done.returncode else done.stdout

    def exists(self, revision: str, path: str) -> bool:
        """Whether a file or folder is in a commit."""
        return path.strip("/") in ("", ".") or self.tree_hash(revision, path) is not None

    def branches_containing(self, revision: str) -> list[str]:
        """Branches that have the commit, local ones and those of a remote by their plain name."""
        text = self._run("for-each-ref", "--format=%(refname)", "--contains", revision, "refs/heads", "refs/remotes").stdout
        names = [re.sub(r"^refs/(heads|remotes/[^/]+)/", "", line) for line in text.split()]
        return list(dict.fromkeys(name for name in names if name != "HEAD"))

    def tags_at(self, revision: str) -> list[str]:
        """Tags that point at the commit."""
        return self._run("tag", "--points-at", revision).stdout.split()

    def authors(self, since: str | None, revision: str) -> tuple[str, ...]:
        """E-mail addresses of those who wrote the commits after `since`; merges don't count.

        None: of the commit alone, or of all that it merges.
        """
        if since is None:
            merge = self._run("rev-parse", "--verify", "--quiet", f"{revision}^2", check=False).returncode == 0
            what = [f"{revision}^1..{revision}"] if merge else ["--max-count=1", revision]
        else:
            what = [f"{since}..{revision}"]
        return tuple(dict.fromkeys(self._run("log", "--no-merges", "--format=%ae", *what).stdout.split()))

    def user(self) -> str | None:
        """The configured e-mail address."""
        return self._run("config", "user.email", check=False).stdout.strip() or None

    def source(self) -> str | None:
        """Address of the remote, without credentials in it; None where there is none or it is a local path."""
        url = self._run("config", "--get", "remote.origin.url", check=False).stdout.strip()
        if "://" not in url and not re.match(r"[\w.-]+@[\w.-]+:", url):
            return None
        return re.sub(r"://[^@/]*@", "://", url)

    def _near(self, revision: str) -> str:
        names = self._run("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags").stdout.split()
        near = difflib.get_close_matches(revision, names, 3, 0.7)
        return f"did you mean {' or '.join(near)}?" if near else f"it has: {', '.join(names[:10]) or 'no commit yet'}"

    def _run(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return _git(self.path, *args, check=check)


def _git(path: Path, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            ["git", *args], cwd=path, env=_environment(), capture_output=True, text=True, errors="replace",
            timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RepositoryError(f"git {args[0]} did not end within {TIMEOUT:g} s") from error
    if check and done.returncode:
        raise RepositoryError(f"git {args[0]} failed: {done.stderr.strip()}")
    return done


def _environment() -> dict[str, str]:
    """Without the variables that git sets for a hook and that point it at one repository."""
    return {name: value for name, value in os.environ.items() if name not in
            ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")}  # fmt: skip


def _matches(path: str, pattern: str) -> bool:
    clean = pattern.strip("/").removeprefix("./")
    if path == clean or path.startswith(clean + "/") or clean in ("", "."):
        return True
    glob = re.sub(r"\\\*\\\*/|\\\*\\\*|\\\*|\\\?", lambda found: GLOB[found[0]], re.escape(clean))
    return re.fullmatch(glob, path) is not None
