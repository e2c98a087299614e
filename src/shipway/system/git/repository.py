"""The team's repository: in a work tree, in a bare repository, and in a hook."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from shipway.domain.errors import RepositoryError, UsageError
from shipway.domain.release import Commit
from shipway.domain.value import dataclass
from shipway.system.git import export
from shipway.system.git.command import Done, environment, failure, git, printable
from shipway.system.git.login import as_variables, for_remote, masked
from shipway.system.git.setting import setting
from shipway.system.git.view import TIMEOUT, Source
from shipway.system.patterns import matches

MAIN_BRANCHES = ("main", "master", "trunk")
HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
COMMIT = "%H%x00%T%x00%ae%x00%s"


@dataclass(frozen=True)
class Repository:
    """A git repository. `path` is its work tree, or the bare repository itself."""

    path: Path

    @classmethod
    def find(cls, path: Path) -> Repository:
        """The repository that contains a folder. RepositoryError if there is none, or git rejects it."""
        named = is_git_folder(path)
        if named:
            bare, _, folder = git(
                path, "rev-parse", "--is-bare-repository", "--absolute-git-dir", check=False
            ).stdout.partition("\n")
            if bare == "true":
                return cls(Path(folder.removesuffix("\n")))
        done = git(path, "rev-parse", "--show-toplevel", check=False, named=named)
        if done.code and "not a git repository" not in done.stderr:  # perhaps a bare one
            done = git(path, "rev-parse", "--absolute-git-dir", check=False, named=named)
        if not done.code:
            return cls(Path(done.stdout.removesuffix("\n")))
        if "not a git repository" in done.stderr:
            raise RepositoryError(f"{path} is not in a git repository", hint="change to one, or run: git init")
        raise failure("git rejects this repository", done.stderr)

    def commit(self, revision: str) -> Commit:
        """The commit of a branch, tag or hash."""
        name = f"{revision}^{{commit}}"
        if ".." in revision or revision.startswith("^"):  # rev-list would take it for a range
            name = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", name, check=False).stdout.strip()
        layout = ("--max-count=1", "--encoding=UTF-8", f"--format={COMMIT}", "--end-of-options")
        done = self._run("rev-list", *layout, name, "--", check=False)
        if done.code:
            if revision == "HEAD":
                raise RepositoryError(
                    f"the repository {self.path} has no commit yet, and Shipway deploys commits",
                    hint="git add the files of the application, then: git commit",
                )
            raise RepositoryError(f"there is no revision {revision!r}", hint=self._near(revision))
        full, tree, author, subject = printable(done.stdout.partition("\n")[2].removesuffix("\n")).split("\0")
        return Commit(full, tree, author, subject)

    def path_of(self, file: Path) -> str:
        """The path in the repository of a file in the work tree; of a bare repository, the path as it is. UsageError if it
        is outside."""
        if self.is_bare:
            return os.path.normpath(file)
        found = Path(os.path.realpath(file.absolute().parent)) / file.name
        root = self.path.resolve()
        if not found.is_relative_to(root):
            raise UsageError(f"{file} is not in the repository {self.path}")
        return found.relative_to(root).as_posix()

    @staticmethod
    def folder() -> Path:
        """The working directory, without links."""
        return Path.cwd().resolve()

    def has(self, revision: str) -> bool:
        """Whether the commit is in this repository."""
        return not self._run("cat-file", "-e", "--", f"{revision}^{{commit}}", check=False).code

    def ref(self, revision: str) -> str:
        """The full ref (refs/heads/…, refs/tags/…) for user input; the input itself if it is no ref."""
        done = self._run(
            "rev-parse", "--symbolic-full-name", "--verify", "--quiet", "--end-of-options", revision, check=False
        )
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else revision

    @property
    def is_bare(self) -> bool:
        """Whether it has no work tree."""
        return self._layout[0] == "true"

    @property
    def common(self) -> Path:
        """The git directory that all its work trees share."""
        return Path(os.path.normpath(self.path / self._layout[3]))

    @cached_property
    def _layout(self) -> list[str]:
        """What stays as it is: whether it is bare, the hash algorithm of its objects, its git directory, and the common one."""
        what = ("--is-bare-repository", "--show-object-format", "--absolute-git-dir", "--git-common-dir")
        return self._run("rev-parse", *what).stdout.split("\n")

    def is_dirty(self) -> bool:
        """Whether the work tree differs from HEAD, ignoring untracked files. A bare repository is clean."""
        return not self.is_bare and bool(self._run("status", "--porcelain", "--untracked-files=no").stdout.strip())

    def ignores(self, path: str) -> bool:
        """Whether git ignores a file of that name, which may be missing."""
        return self._run("check-ignore", "--quiet", "--", path, check=False).code == 0

    def tree_hash(self, revision: str, path: str) -> str | None:
        """Hash of a folder or file at a revision; None if it is missing."""
        done = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}:{path.strip('/')}", check=False
        )
        return None if done.code else done.stdout.strip() or None

    def tree_hashes(self, revision: str, patterns: Sequence[str]) -> dict[str, str]:
        """Mode and hash of all files that match a pattern: a path, a folder, or a glob whose ** matches any number of
        folders."""
        found: dict[str, str] = {}
        listed = _listed(self.path, revision) if HASH.fullmatch(revision) else _listed.__wrapped__(self.path, revision)
        for line in listed.split("\0"):
            kind, _, path = line.partition("\t")
            if path and any(matches(path, pattern) for pattern in patterns):
                found[path] = " ".join(kind.split())  # mode, type and hash
        return found

    def archive(self, revision: str, folder: str | None = None, *, prefix: str = "") -> Iterator[bytes]:
        """Tar stream of the files as in a checkout, or of one folder with names relative to it, below a prefix."""
        with tempfile.TemporaryDirectory(prefix="shipway-files-") as made:
            self.export(revision, Path(made), folder=folder)
            yield from export.tar(Path(made), prefix)

    def export(self, revision: str, target: Path, *, folder: str | None = None) -> None:
        """Write the files to an empty directory as in a checkout, or those of one folder. RepositoryError if this clone
        lacks some, such as an unfetched submodule; the hint says how to fetch them."""
        folder = (folder or "").strip("/")
        if folder and self._run("cat-file", "-t", f"{revision}:{folder}", check=False).stdout.strip() != "tree":
            raise RepositoryError(f"there is no folder {folder} at {revision[:12]}")
        source, seconds = self._source(revision)
        if not folder:
            export.checkout(source, target, "", self._configured)
        else:
            with tempfile.TemporaryDirectory(prefix=".shipway-", dir=target.parent) as made:
                export.checkout(source, Path(made), folder, self._configured)
                for item in (Path(made) / folder).iterdir() if (Path(made) / folder).is_dir() else ():
                    shutil.move(item, target / item.name)
        export.dated(target, seconds)

    def refuse_incomplete(self, revision: str, folder: str = "") -> None:
        """Raise the errors that `export` would raise."""
        if found := export.problems(self._source(revision)[0], folder.strip("/"), self._configured):
            raise export.refusal(revision, found)

    def show(self, revision: str, path: str) -> str | None:
        """Text of a file at a revision; None if it is missing."""
        done = self._run("cat-file", "blob", f"{revision}:{path}", check=False)
        return (
            None
            if done.code
            else done.stdout.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\r\n", "\n")
        )

    def content(self, revision: str, path: str) -> bytes | None:
        """Bytes of a file at a revision; None if it is missing."""
        done = self._run("cat-file", "blob", f"{revision}:{path}", check=False)
        return None if done.code else done.stdout.encode("utf-8", "surrogateescape")

    def exists(self, revision: str, path: str) -> bool:
        """Whether a file or folder is in a commit."""
        return path.strip("/") in ("", ".") or self.tree_hash(revision, path) is not None

    def main_branch(self) -> str:
        """The remote's, or the one with that name, or the only one."""
        refs = self._run("for-each-ref", "--format=%(refname) %(symref)", "refs/heads", "refs/remotes/origin/HEAD")
        found = dict(line.split(" ") for line in refs.stdout.split("\n") if line)
        if head := found.pop("refs/remotes/origin/HEAD", ""):
            return head.removeprefix("refs/remotes/origin/")
        branches = [name.removeprefix("refs/heads/") for name in found]
        if MAIN_BRANCHES[0] in branches:
            return MAIN_BRANCHES[0]
        current = self._run("symbolic-ref", "--quiet", "HEAD", check=False).stdout.strip().removeprefix("refs/heads/")
        usual = next((name for name in MAIN_BRANCHES if name in branches or name == current), None)
        return usual or (branches[0] if len(branches) == 1 else MAIN_BRANCHES[0])

    def commits(self, since: str, until: str, most: int) -> list[str]:
        """The commits that lead to `until` and not to `since`, newest first: short revision, author and subject."""
        text = self._run(
            "rev-list", f"--max-count={most}", "--encoding=UTF-8", "--format=%h %ae %s", "--end-of-options",
            until, f"^{since}", "--",
        ).stdout  # fmt: skip
        return printable(text).split("\n")[1::2]  # each after a line with its full revision

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest common commit of two; None if there is none."""
        return self._run("merge-base", one, other, check=False).stdout.strip() or None

    def changed_in(self, folder: Path, revision: str) -> set[str]:
        """Files of a folder of the work tree, relative to it, that differ from a commit: added (untracked ones too),
        changed and removed ones."""
        options = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative")
        tracked = git(folder, "diff", *options, revision, "--", ".").stdout
        untracked = git(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", ".").stdout
        return {path for path in f"{tracked}\0{untracked}".split("\0") if path}

    def user(self) -> str | None:
        """The configured e-mail address."""
        return self.setting("user.email")

    def setting(self, name: str) -> str | None:
        """A value of git's configuration, including the user's."""
        return setting(self.path, name)

    def source(self) -> str | None:
        """Address of the remote, without credentials; None without one or for a local path."""
        url = self.setting("remote.origin.url") or ""
        if "://" not in url and not re.match(r"[\w.-]+@[\w.-]+:", url):
            return None
        return masked(url)

    def _source(self, revision: str) -> tuple[Source, int]:
        """The commit's objects, and its time; those of submodules and Git LFS are stored beside them."""
        hash, own = self._layout[1:3]
        full, seconds = self._run("rev-list", "--max-count=1", "--format=%ct", revision, "--").stdout.split()[-2:]
        self._fetch_left_out(full)
        return Source(Path(own), full, hash, self.common), int(seconds)

    def _fetch_left_out(self, revision: str) -> None:
        """For a partial clone: fetch all missing objects of a commit at once."""
        if not any((self.common / "objects" / "pack").glob("*.promisor")):
            return
        promised = self._run(
            "config", "--name-only", "--get-regexp", r"^remote\..*\.promisor$", check=False
        ).stdout.split()
        if not promised:
            return
        listed = self._run("rev-list", "--objects", "--missing=print", "--no-walk", revision).stdout.splitlines()
        missing = "".join(f"{line[1:]}\n" for line in listed if line.startswith("?"))
        if missing:
            remote = promised[0].removeprefix("remote.").removesuffix(".promisor")
            args = (
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                "--filter=blob:none",
                "--stdin",
            )
            given = as_variables(for_remote(self.setting(f"remote.{remote}.url") or ""), environment())
            git(self.path, "fetch", *args, remote, input=missing, timeout=TIMEOUT, env=given)

    def _configured(self, filter: str) -> bool:
        return any(self.setting(f"filter.{filter}.{kind}") for kind in ("smudge", "process"))

    def _near(self, revision: str) -> str:
        names = self._run("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags").stdout.split()
        near = difflib.get_close_matches(revision, names, 3, 0.7)
        if near:
            return f"did you mean {' or '.join(near)}?"
        if not names:
            return "this repository has no branch and no tag yet: git commit, or git fetch"
        return f"create it (git branch, git tag) or fetch it (git fetch); branches and tags: {', '.join(names[:10])}"

    def _run(self, *args: str, check: bool = True) -> Done:
        return git(self.path, *args, check=check)


@lru_cache(maxsize=2)
def _listed(path: Path, revision: str) -> str:
    """All files of a commit. A run asks several times, and a hash always means the same."""
    return printable(git(path, "ls-tree", "-r", "-z", "--full-tree", revision).stdout)


def is_git_folder(path: Path) -> bool:
    """Whether this folder itself is a git directory, such as a bare repository: then it is given, and not just
    found."""
    return all((path / name).exists() for name in ("HEAD", "objects", "refs"))
