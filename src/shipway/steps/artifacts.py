"""Outputs of steps: stored once by the digest of their content, and extracted for later steps and builds.

Archives are streamed through files, not memory. Names may have any bytes. Links are kept as links, and nothing is read or
written through them outside of the target folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from shipway.domain.errors import StepFailed
from shipway.domain.run import Artifact
from shipway.system.inside import leads_inside
from shipway.system.tars import CHUNK, Folders, reading, writing

# The members are checked here. Versions that have filters warn if none is chosen.
_UNFILTERED: Any = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
LARGEST = 20 << 30  # bytes of one output
MOST = 500_000  # files and folders of one output


def store(archive: Iterator[bytes], folder: str, path: str, to: Path, scratch: Path) -> Artifact:
    """Store what the engine returned for `path`. The engine's tar is rooted at the last part of the path.

    scratch: a folder on the same file system for incomplete files, which the caller removes. StepFailed if the output
    is too large.
    """
    to.mkdir(parents=True, exist_ok=True)
    parent = posixpath.dirname(path.strip("/"))
    with tempfile.TemporaryFile(dir=scratch) as raw, tempfile.NamedTemporaryFile(dir=scratch, delete=False) as kept:
        _spool(archive, path, raw)
        with reading(raw) as source, writing(kept) as target:
            digest, left_out = _copy(source, target, path, parent)
    os.replace(kept.name, to / f"{digest}.tar")
    return Artifact(folder, path, f"sha256:{digest}", left_out)


def _spool(archive: Iterator[bytes], path: str, raw: IO[bytes]) -> None:
    size = 0
    for chunk in archive:
        size += len(chunk)
        if size > LARGEST:
            raise StepFailed(
                f"its output {path} is larger than {LARGEST >> 30} GB",
                hint="name smaller folders or files in `outputs`",
            )
        raw.write(chunk)
    raw.seek(0)


def _copy(source: tarfile.TarFile, target: tarfile.TarFile, path: str, parent: str) -> tuple[str, tuple[str, ...]]:
    """Copy in a fixed order, so that equal contents are equal archives. Hard links come last, after their targets."""
    digest, members, left_out = hashlib.sha256(), list[tarfile.TarInfo](), list[str]()
    for member in source:
        if len(members) >= MOST:
            raise StepFailed(f"its output {path} has more than {MOST} files", hint="name smaller folders in `outputs`")
        if member.isreg() or member.isdir() or member.issym() or member.islnk():
            members.append(member)
        else:
            left_out.append(member.name)
    for member in sorted(members, key=lambda item: (item.islnk(), item.name)):
        content = source.extractfile(member) if member.isreg() else None
        member.name = posixpath.join(parent, member.name)
        if member.islnk():  # relative to the archive; of a symbolic link it is relative to the link
            member.linkname = posixpath.join(parent, member.linkname)
        words = f"{member.name}\0{member.type!r}\0{member.mode & 0o111:o}\0{member.linkname}\0{member.size}\0"
        digest.update(words.encode(errors="surrogateescape"))
        target.addfile(member, cast(IO[bytes], _Hashed(content, digest)) if content else None)
    return digest.hexdigest(), tuple(sorted(left_out))


class _Hashed:
    """A file that updates the digest with all bytes read."""

    def __init__(self, content: IO[bytes], digest: Any) -> None:
        self._content, self._digest = content, digest

    def read(self, size: int) -> bytes:
        data = self._content.read(size)
        self._digest.update(data)
        return data


def file(artifact: Artifact, kept: Path) -> Path:
    """File of a stored artifact."""
    return kept / f"{artifact.digest.removeprefix('sha256:')}.tar"


def reaches(artifact: Artifact, folder: str) -> bool:
    """Whether it overlaps a folder of the repository: is inside it, or contains it."""
    return _below(artifact.place, folder) is not None or _below(folder, artifact.place) is not None


def identity(artifact: Artifact) -> list[str]:
    """The parts of it that a later step's result depends on."""
    return [artifact.place, artifact.digest]


def unpack(artifact: Artifact, kept: Path, folder: str, target: Path) -> None:
    """Extract the artifact to a build context for `folder`. StepFailed if a link leads outside of it, or a file is in the
    way."""
    with file(artifact, kept).open("rb") as opened, reading(opened) as tar:
        members = list(_placed(tar, artifact, folder))
        try:
            tar.extractall(target, _checked(members, target), **_UNFILTERED)
        except (_LedOut, tarfile.TarError, OSError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StepFailed(f"the output {artifact.path} can't be extracted to {folder or '.'}: {error}") from error


def _checked(members: Sequence[tarfile.TarInfo], target: Path) -> Iterator[tarfile.TarInfo]:
    """Each one as it is extracted, after those before it: none of their links leads it out of the folder. The filters of
    tarfile miss links whose path is too long to be looked at, and Debian's Python 3.11 has none."""
    for member in members:
        written = member.name if member.isreg() or member.isdir() else posixpath.dirname(member.name)
        paths = [written, *([posixpath.dirname(member.linkname)] if member.islnk() else [])]
        if not all(leads_inside(target, path) for path in paths):
            raise _LedOut(f"a link leads {member.name} out of the folder")
        _make_parents(target, member.name)
        member.mode &= 0o755
        yield member


def _make_parents(target: Path, name: str) -> None:
    """Folders that no member names, readable by a container's user whatever the umask."""
    for parent in reversed(Path(name).parents):
        path = target / parent
        if not os.path.lexists(path):
            path.mkdir()
            path.chmod(0o755)


class _LedOut(Exception):
    pass


def as_archive(
    artifacts: Sequence[Artifact], kept: Path, folder: str, owner: tuple[int, int] = (0, 0)
) -> Iterator[bytes]:
    """One tar stream of everything below a working folder, with relative names, owned by (uid, gid)."""
    with tempfile.TemporaryFile() as whole:
        with writing(whole) as target:
            folders = Folders(target, owner)
            for artifact in artifacts:
                with file(artifact, kept).open("rb") as opened, reading(opened) as source:
                    for member in _placed(source, artifact, folder):
                        member.uid, member.gid, member.uname, member.gname = *owner, "", ""
                        if any(owner):
                            folders.make(posixpath.dirname(member.name))
                        target.addfile(member, source.extractfile(member) if member.isreg() else None)
        whole.seek(0)
        while chunk := whole.read(CHUNK):
            yield chunk


def _placed(tar: tarfile.TarFile, artifact: Artifact, folder: str) -> Iterator[tarfile.TarInfo]:
    """The members below the folder, with relative names."""
    for member in tar:
        name = _below(posixpath.join(artifact.folder, member.name), folder)
        target = _below(posixpath.join(artifact.folder, member.linkname), folder) if member.islnk() else ""
        if name is None or target is None:
            continue
        member.name = name
        if member.islnk():
            member.linkname = target
        yield member


def _below(path: str, folder: str) -> str | None:
    """The path relative to the folder; None if it is outside."""
    if not folder or path == folder:
        return path.strip("/") if not folder else "."
    return path.removeprefix(folder + "/") if path.startswith(folder + "/") else None
