"""The files of the commit that a step sees: exactly those that its key covers."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path

from shipway.domain.plan import Step
from shipway.domain.release import digest_of
from shipway.steps.run import Run
from shipway.system.patterns import matches
from shipway.system.tars import CHUNK, Folders, reading_stream, writing

LINK = "160000"  # mode of a submodule in a tree: its hash covers its whole content


def sees(run: Run, step: Step) -> Callable[[str], bool]:
    """Match paths of its `inputs`; by default those of the plan."""
    if step.inputs:
        return lambda path: any(matches(path, pattern) for pattern in step.inputs)
    return run.sees


def source_key(run: Run, step: Step) -> str:
    """Digest over the mode and content of all visible files."""
    seen = sees(run, step)
    files = run.repository.tree_hashes(run.commit.revision, ["."])
    return digest_of({path: kind for path, kind in files.items() if seen(path) or kind.startswith(LINK)})


def archive(run: Run, step: Step, folder: str, owner: tuple[int, int]) -> Iterator[bytes]:
    """Tar stream of the visible files, below a folder, owned by (uid, gid): a step may write beside the sources.

    Created once for all steps of a run that see the same.
    """
    name = digest_of([list(step.inputs), folder, owner]).removeprefix("sha256:")
    made = run.folder / f"sources-{name[:16]}.tar"
    with run.lock(made.name):
        if not made.exists():
            _pack(run, sees(run, step), folder, owner, made)
    with made.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _pack(run: Run, seen: Callable[[str], bool], folder: str, owner: tuple[int, int], made: Path) -> None:
    part = made.with_suffix(".part")
    with part.open("wb") as file, writing(file) as target:
        folders = Folders(target, owner)
        folders.make(folder)
        with reading_stream(run.repository.archive(run.commit.revision)) as source:
            for member in source:
                path = posixpath.normpath(member.name)
                if member.isdir() or not seen(path):  # folders are implied by their files
                    continue
                member.name, member.uid, member.gid, member.uname, member.gname = f"{folder}/{path}", *owner, "", ""
                if member.islnk():
                    member.linkname = f"{folder}/{posixpath.normpath(member.linkname)}"
                folders.make(posixpath.dirname(member.name))
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    part.rename(made)
