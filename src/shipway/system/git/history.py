"""Ranges of commits: their authors, and the merges with changes beyond git's own merge."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from shipway.domain.authors import Written
from shipway.domain.errors import RepositoryError
from shipway.system.git.command import environment, failure, git, settings
from shipway.system.git.hashes import verify
from shipway.system.git.login import as_variables, without_credentials

CHUNK = 1 << 16
FETCH_TIMEOUT = 900.0
BATCH = 1000  # commits read at a time


def written(path: Path, tips: Sequence[str], without: Sequence[str]) -> Iterator[Written]:
    """All commits that lead to `tips` and not to `without`, newest first.

    All of them, and the ends of the range, are read by their hash: RepositoryError if one does not match it, as after a
    manipulation of the clone.
    """
    ends: list[str] = []

    def revisions() -> Iterator[str]:
        for line in _lines(path, ("rev-list", "--boundary", *_range(tips, without))):
            if line.startswith("-"):
                ends.append(line[1:])
            else:
                yield line

    yield from commits(path, revisions())
    for end in ends:
        between = _lines(path, ("rev-list", "--ancestry-path", *without, "--not", end, "--"))
        for _ in commits(path, between):
            pass


def commits(path: Path, revisions: Iterable[str]) -> Iterator[Written]:
    """These commits, each read by its hash. RepositoryError if one is missing or does not match it."""
    revisions = iter(revisions)
    while batch := list(islice(revisions, BATCH)):
        data = _encoded(git(path, "cat-file", "--batch", input="".join(f"{item}\n" for item in batch)).stdout)
        at = 0
        for revision in batch:
            begin = data.index(b"\n", at) + 1
            size = data[at:begin].split(b" ")[2:]
            if not size:
                raise RepositoryError(f"the commit {revision[:12]} is not in this clone", hint="git fetch")
            at = begin + int(size[0]) + 1
            content = data[begin : at - 1]
            verify("commit", revision, content)
            yield _parse(revision, content)


def _parse(revision: str, content: bytes) -> Written:
    head, _, message = content.partition(b"\n\n")
    lines = head.split(b"\n")
    tree = next((line[5:] for line in lines if line.startswith(b"tree ")), b"").decode()
    name, _, rest = next((line[7:] for line in lines if line.startswith(b"author ")), b"").partition(b"<")
    encoding = next((line[9:] for line in lines if line.startswith(b"encoding ")), b"utf-8").decode("ascii", "replace")
    parents = [line[7:].decode() for line in lines if line.startswith(b"parent ")]
    return Written(
        revision,
        tree,
        len(parents),
        _text(name, encoding).strip(),
        _text(rest.partition(b">")[0], encoding),
        _text(message, encoding),
        parents[0] if parents else "",
    )


def changed_merges(path: Path, merges: Iterable[str]) -> Iterator[str]:
    """Merges with changed files: those whose files differ from git's own result. All of them if git can't recompute it.

    Merges of more than two parents count as changed, since git can't recompute them.
    """
    args = (
        "log",
        "--no-walk=unsorted",
        "--stdin",
        "--remerge-diff",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--format=tformat:%x00%H%x00",
    )
    listed = dict.fromkeys(merges)
    if not listed:
        return
    if git(path, "log", "--max-count=0", "--remerge-diff", check=False).code:
        yield from listed  # before git 2.35
        return
    begun, reported = "", False
    for item in _records(path, args, input="".join(f"{revision}\n" for revision in listed)):
        if item in listed:
            begun, reported = item, False
        elif item.strip("\n") and not reported:
            reported = True
            yield begun


def is_shallow(path: Path) -> bool:
    """Whether a clone lacks older commits."""
    return git(path, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"


def is_cut(path: Path, tips: Sequence[str], without: Sequence[str]) -> bool:
    """Whether a shallow clone lacks commits of the range, or one of its ends."""
    if not is_shallow(path):
        return False
    if any(git(path, "cat-file", "-e", f"{item}^{{commit}}", check=False).code for item in (*tips, *without)):
        return True
    kept = path / git(path, "rev-parse", "--git-path", "shallow").stdout.strip()
    ends = set(kept.read_text(encoding="utf-8").split())
    return any(revision in ends for revision in _lines(path, ("rev-list", *_range(tips, without))))


def fetch(path: Path, address: str, revision: str = "") -> None:
    """Fetch the whole history of a clone, and optionally a commit by its hash: no ref is changed. RepositoryError with
    git's message; some servers reject commits that no ref reaches, but the history is still fetched."""
    url, login = without_credentials(address)
    given = as_variables(login, environment())
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    if is_shallow(path):
        git(path, "fetch", *quiet, "--unshallow", "--", url, timeout=FETCH_TIMEOUT, env=given)
    if revision:
        git(path, "fetch", *quiet, "--", url, revision, timeout=FETCH_TIMEOUT, env=given)


def _range(tips: Sequence[str], without: Sequence[str]) -> list[str]:
    return [*tips, *(["--not", *without] if without else []), "--"]


def _lines(path: Path, args: Sequence[str]) -> Iterator[str]:
    """The output's lines."""
    yield from filter(None, _records(path, args, end=b"\n"))


def _records(path: Path, args: Sequence[str], input: str = "", end: bytes = b"\0") -> Iterator[str]:
    """The output's parts that end with NUL, streamed."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as words:
        given.write(input.encode())
        given.seek(0)
        process = subprocess.Popen(
            ["git", *settings(), *args], cwd=path, env=environment(), stdin=given, stdout=subprocess.PIPE, stderr=words
        )
        assert process.stdout is not None
        try:
            rest = b""
            while chunk := process.stdout.read(CHUNK):
                *whole, rest = (rest + chunk).split(end)
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


def _text(data: bytes, encoding: str = "utf-8") -> str:
    try:
        return data.decode(encoding, "backslashreplace")
    except LookupError:
        return data.decode("utf-8", "backslashreplace")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
