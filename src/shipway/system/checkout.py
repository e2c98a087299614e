"""The state of a checkout beside its remote, and what a release changes there: a commit of one file, a tag, and their push."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from shipway.domain.authors import Written
from shipway.domain.errors import RepositoryError
from shipway.domain.value import dataclass
from shipway.system.addresses import address_of, identity, remotes
from shipway.system.git import Repository
from shipway.system.git.command import environment, failure, git, printable, settings
from shipway.system.git.history import commits, is_shallow
from shipway.system.git.login import as_variables, for_remote, masked
from shipway.system.umask import of_user

SIGNING = 300.0  # seconds: a person may have to type a passphrase, or touch a key
KEPT = 40  # lines of a push that are kept for its error


@dataclass(frozen=True)
class Checkout:
    """What is checked out."""

    head: str
    branch: str | None  # None: HEAD is detached
    changed: tuple[str, ...]  # tracked files that differ from HEAD
    shallow: bool


def checkout(repository: Repository) -> Checkout:
    """Read it. RepositoryError without a commit."""
    head = repository.commit("HEAD").revision
    branch = git(repository.path, "symbolic-ref", "--quiet", "HEAD", check=False).stdout.strip()
    listed = git(repository.path, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames").stdout.split(
        "\0"
    )
    changed = tuple(printable(line[3:]) for line in listed if line)
    return Checkout(head, branch.removeprefix("refs/heads/") or None, changed, is_shallow(repository.path))


def ahead_and_behind(repository: Repository, head: str, tip: str) -> tuple[int, int] | None:
    """How many commits only `head` has, and only `tip`; None if this clone lacks `tip`."""
    if not repository.has(tip):
        return None
    ahead, behind = git(repository.path, "rev-list", "--count", "--left-right", f"{head}...{tip}").stdout.split()
    return int(ahead), int(behind)


def commits_since(repository: Repository, head: str, before: str | None) -> list[Written]:
    """The commits that lead to `head` and not to `before` (None: all), each before its parents."""
    without = [f"^{before}"] if before else []
    listed = git(repository.path, "rev-list", "--topo-order", head, *without, "--").stdout.split()
    return list(commits(repository.path, listed))


def commits_after(repository: Repository, head: str, path: str) -> int:
    """How many commits lead to `head` and not to the last one that changed a file, without merges."""
    last = git(repository.path, "rev-list", "--max-count=1", head, "--", path).stdout.strip()
    return int(git(repository.path, "rev-list", "--count", "--no-merges", head, f"^{last}", "--").stdout) if last else 0


def changed_files(repository: Repository, since: str, until: str, *paths: str, added: bool = False) -> list[str]:
    """Paths of files that differ between two commits. added: only new ones."""
    kind = ["--diff-filter=A"] if added else []
    args = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", *kind, since, until, "--", *paths)
    return [printable(path) for path in git(repository.path, *args).stdout.split("\0") if path]


def tags(repository: Repository) -> dict[str, str]:
    """Tags of this clone, with their commits."""
    layout = "%(refname:lstrip=2) %(*objectname) %(objectname)"
    text = git(repository.path, "for-each-ref", f"--format={layout}", "refs/tags").stdout
    return {parts[0]: parts[1] or parts[2] for line in text.splitlines() if len(parts := line.split(" ")) == 3}


def signs(repository: Repository) -> bool:
    """Whether git is configured to sign tags: `tag.gpgSign`, or else a key in `user.signingKey`."""
    asked = git(repository.path, "config", "--type=bool", "--get", "tag.gpgSign", check=False).stdout.strip()
    return asked == "true" or (asked != "false" and bool(repository.setting("user.signingKey")))


def is_signed(repository: Repository, name: str) -> bool:
    """Whether a tag of this clone has a signature, whoever made it."""
    return "\n-----BEGIN " in git(repository.path, "cat-file", "tag", f"refs/tags/{name}", check=False).stdout


def add_tag(
    repository: Repository, name: str, revision: str, message: str, *, signed: bool, instead: bool = False
) -> str:
    """Make an annotated tag, at once with its object. instead: of one that this clone has. Returns the object's hash.
    RepositoryError if it can't be made or signed; then there is none."""
    how = ("--sign",) if signed else ("--annotate", "--no-sign")
    args = ("tag", *how, *(["--force"] if instead else []), "--cleanup=whitespace", "--file=-", "--", name, revision)
    done = git(repository.path, *args, check=False, input=message, timeout=SIGNING)
    error = failure("git tag failed", done.stderr)
    if done.code and (not signed or "already exists" in done.stderr):
        raise error
    object = tag_object(repository, name)
    if done.code == 0 and (not signed or is_signed(repository, name)):
        return object
    if done.code == 0:  # as some versions of git end that could not sign
        remove_tag(repository, name, object)
    raise RepositoryError(
        f"the tag {name} could not be signed: {error.message}",
        hint="see user.signingKey, gpg.format and tag.gpgSign in git's configuration; nothing was changed",
    )


def tag_object(repository: Repository, name: str) -> str:
    """The object of a tag of this clone; "": it has none."""
    return git(repository.path, "rev-parse", "--verify", "--quiet", f"refs/tags/{name}", check=False).stdout.strip()


def remote_tag(repository: Repository, remote: str, name: str) -> str | None:
    """The object of a remote's tag; None: it has none. RepositoryError if it can't be asked."""
    given = as_variables(for_remote(repository.setting(f"remote.{remote}.url") or remote), environment())
    lines = git(repository.path, "ls-remote", "--", remote, f"refs/tags/{name}", env=given).stdout.splitlines()
    return next(
        (object for object, _, ref in (line.partition("\t") for line in lines) if ref == f"refs/tags/{name}"), None
    )


def remove_tag(repository: Repository, name: str, object: str) -> None:
    """Remove a tag of this clone, if it still is that object."""
    git(repository.path, "update-ref", "-d", f"refs/tags/{name}", object, check=False)


def commit_file(repository: Repository, path: str, content: bytes, message: str) -> str:
    """Write a tracked file and commit it alone. Returns the commit."""
    target = repository.path / path
    temporary = target.with_name(f".{target.name}.shipway")
    temporary.write_bytes(content)
    os.chmod(temporary, target.stat().st_mode & 0o777)
    os.replace(temporary, target)
    git(repository.path, "commit", "--quiet", "--only", "--cleanup=whitespace", "--file=-", "--", path, input=message, timeout=SIGNING)  # fmt: skip
    return repository.commit("HEAD").revision


def remote_of(repository: Repository, address: str, branch: str) -> str | None:
    """The name of the remote with an address: the branch's own, else `origin`, else another one; None: no remote has it."""
    wanted = identity(address)
    found = [name for name, url in remotes(repository) if identity(address_of(url, repository.path)) == wanted]
    first = [repository.setting(f"branch.{branch}.remote"), "origin"]
    return min(found, key=lambda name: first.index(name) if name in first else len(first), default=None)


def push(repository: Repository, remote: str, refs: Sequence[str], on_line: Callable[[str], None]) -> None:
    """Push these refs and no others, all or none. on_line: gets what the remote's programs print, such as a hook that
    deploys. It may take as long as they do. RepositoryError with the last lines if it fails; the remote may have them
    nevertheless, if the connection broke."""
    given = as_variables(for_remote(repository.setting(f"remote.{remote}.url") or remote), environment())
    options = ("--no-follow-tags", "--recurse-submodules=no", *(["--atomic"] if len(refs) > 1 else []))
    args = ["git", *settings(), "push", *options, "--", remote, *refs]
    kept: list[str] = []
    # In the terminal's session: ssh asks there.
    process = subprocess.Popen(
        args, cwd=repository.path, env=given, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace", umask=of_user(),
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            text = masked(line.rstrip())
            if text.startswith("remote: "):
                on_line(text.removeprefix("remote: ").rstrip())
            kept = [*kept[-KEPT:], text]
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        raise RepositoryError("\n".join(line for line in kept if line.strip() and not line.startswith("hint:")))


def read_bytes(repository: Repository, path: str) -> bytes | None:
    """A regular file of the work tree; None if it is missing or a link."""
    target = Path(repository.path, path)
    return target.read_bytes() if target.is_file() and not target.is_symlink() else None
