"""The files of a working tree as they are, as a commit that no branch has: what is built and tested before it is committed."""

from __future__ import annotations

from pathlib import Path

from shipway.domain.release import Commit
from shipway.system.git.command import environment, git
from shipway.system.git.repository import Repository

PATIENT = 600.0  # seconds for a large tree that is read for the first time
WHO = "shipway dev <dev@shipway.invalid>"
EPOCH = "946684800 +0000"  # of the files where there is no commit yet


def snapshot(repository: Repository, index: Path) -> Commit:
    """A commit of the working tree: changed, new and deleted files, without those that git ignores. It is the same for the
    same files, changes neither HEAD nor the index, and is removed by git's garbage collection. index: a file of its own,
    kept to be fast. RepositoryError if git can't read a file."""
    own = {**environment(), "GIT_INDEX_FILE": str(index)}
    name, _, mail = WHO.partition(" <")

    def run(*args: str, check: bool = True) -> str:
        return git(repository.path, *args, check=check, env=own, timeout=PATIENT).stdout.strip()

    head = run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False)
    if not index.exists() and head:
        run("read-tree", head)
    run("add", "--all", "--", ":/")
    tree = run("write-tree")
    date = f"{run('show', '--no-patch', '--format=%ct', head)} +0000" if head else EPOCH
    for role in ("AUTHOR", "COMMITTER"):
        own |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": mail.rstrip(">"), f"GIT_{role}_DATE": date}
    revision = run("commit-tree", tree, *(("-p", head) if head else ()), "-m", "The working tree")
    return Commit(revision, tree, mail.rstrip(">"), "the working tree")


def ignored(repository: Repository) -> frozenset[str]:
    """Folders and files that git ignores, relative to the repository; a folder stands for all in it."""
    done = git(
        repository.path, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", timeout=PATIENT
    )
    return frozenset(path.rstrip("/") for path in done.stdout.split("\0") if path)
