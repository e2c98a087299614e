"""Ranges of commits: which ones they are, who wrote them, and which merges changed more than git's own merge does."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shipway.domain.authors import Written
from shipway.system.git.command import environment, failure, git, settings

CHUNK = 1 << 16
FETCH_TIMEOUT = 900.0
FIELDS = "%H%x00%P%x00%an%x00%ae%x00%B"


def written(path: Path, tips: Sequence[str], without: Sequence[str]) -> Iterator[Written]:
    """All commits that lead to `tips` and not to `without`, the newest first."""
    args = ("log", "-z", "--no-mailmap", f"--format=tformat:{FIELDS}", *_range(tips, without))
    fields: list[str] = []
    for item in _records(path, args):
        fields.append(item)
        if len(fields) == 5:
            revision, parents, name, address, message = fields
            yield Written(revision, len(parents.split()), name, address, message)
            fields = []


def trees(path: Path, tips: Sequence[str], without: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Commit and tree of all commits of the range."""
    for item in _records(path, ("log", "-z", "--format=tformat:%H %T", *_range(tips, without))):
        revision, _, tree = item.partition(" ")
        yield revision, tree


def changed_merges(path: Path, merges: Iterable[str]) -> Iterator[str]:
    """Those of these merges whose files differ from what git makes of them itself. All of them, where git can't tell.

    Merges of more than two parents count as changed: git can't make them again.
    """
    args = ("log", "--no-walk=unsorted", "--stdin", "--remerge-diff", "--no-ext-diff", "--no-textconv", "--no-color", "--format=tformat:%x00%H%x00")
    listed = dict.fromkeys(merges)
    if not listed:
        return
    if git(path, "log", "--max-count=0", "--remerge-diff", check=False).code:
        yield from listed  # before git 2.35
        return
    begun, told = "", False
    for item in _records(path, args, input="".join(f"{revision}\n" for revision in listed)):
        if item in listed:
            begun, told = item, False
        elif item.strip("\n") and not told:
            told = True
            yield begun


def is_cut(path: Path, tips: Sequence[str], without: Sequence[str]) -> bool:
    """Whether a shallow clone lacks commits of the range, or one of its ends."""
    if git(path, "rev-parse", "--is-shallow-repository").stdout.strip() != "true":
        return False
    if any(git(path, "cat-file", "-e", f"{item}^{{commit}}", check=False).code for item in (*tips, *without)):
        return True
    kept = path / git(path, "rev-parse", "--git-path", "shallow").stdout.strip()
    ends = set(kept.read_text().split())
    return any(revision in ends for revision, _ in trees(path, tips, without))


def fetch(path: Path, address: str, revision: str = "") -> None:
    """Fetch the whole history of a clone, and a commit by its hash, where one is given: no ref is changed. RepositoryError in
    git's own words; some servers give no commit but those that a ref leads to, and the history is fetched nevertheless."""
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    if git(path, "rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        git(path, "fetch", *quiet, "--unshallow", "--", address, timeout=FETCH_TIMEOUT)
    if revision:
        git(path, "fetch", *quiet, "--", address, revision, timeout=FETCH_TIMEOUT)


def _range(tips: Sequence[str], without: Sequence[str]) -> list[str]:
    return [*tips, *(["--not", *without] if without else []), "--"]


def _records(path: Path, args: Sequence[str], input: str = "") -> Iterator[str]:
    """What git writes, in parts that end with NUL; never all of it in memory."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as words:
        given.write(input.encode())
        given.seek(0)
        process = subprocess.Popen(["git", *settings(), *args], cwd=path, env=environment(), stdin=given, stdout=subprocess.PIPE, stderr=words)
        assert process.stdout is not None
        try:
            rest = b""
            while chunk := process.stdout.read(CHUNK):
                *whole, rest = (rest + chunk).split(b"\0")
                yield from map(_text, whole)
            if rest:
                yield _text(rest)
            if process.wait():
                words.seek(0)
                raise failure(f"git {args[0]} failed", _text(words.read()))
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
