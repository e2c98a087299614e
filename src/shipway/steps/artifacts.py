"""Outputs of steps: kept once by the digest of their content, put back where a later step or build needs them."""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 16


@dataclass(frozen=True)
class Artifact:
    """An output of a step: a tar file named by its digest, whose names are relative to `folder`."""

    folder: str  # of the repository; '' is its root
    path: str  # relative to the folder
    digest: str  # sha256 over names, modes and contents: times don't count


def store(archive: Iterator[bytes], folder: str, path: str, to: Path, scratch: Path) -> Artifact:
    """Keep what the engine gave for `path`. The engine's tar is rooted at the last part of the path.

    scratch: a folder on the same file system, for what isn't whole yet; whoever made it takes it away.
    """
    to.mkdir(parents=True, exist_ok=True)
    parent = posixpath.dirname(path.strip("/"))
    with tempfile.TemporaryFile(dir=scratch) as raw, tempfile.NamedTemporaryFile(dir=scratch, delete=False) as kept:
        for chunk in archive:
            raw.write(chunk)
        raw.seek(0)
        digest = hashlib.sha256()
        with tarfile.open(fileobj=raw) as source, tarfile.open(fileobj=kept, mode="w") as target:
            for member in sorted(source.getmembers(), key=lambda item: item.name):
                content = source.extractfile(member) if member.isfile() else None
                member.name = posixpath.join(parent, member.name)
                digest.update(f"{member.name}\0{member.mode & 0o111:o}\0{member.linkname}\0{member.size}\0".encode())
                data = content.read() if content else b""
                digest.update(data)
                target.addfile(member, io.BytesIO(data) if content else None)
    name = digest.hexdigest()
    os.replace(kept.name, to / f"{name}.tar")
    return Artifact(folder, path, f"sha256:{name}")


def file(artifact: Artifact, kept: Path) -> Path:
    """Where the artifact is kept."""
    return kept / f"{artifact.digest.removeprefix('sha256:')}.tar"


def placed(artifact: Artifact, folder: str) -> str | None:
    """Where the artifact belongs below a working folder, as a prefix; None where it lies outside of it."""
    if artifact.folder == folder:
        return ""
    if folder and not artifact.folder.startswith(folder + "/"):
        return None
    return artifact.folder.removeprefix(folder).strip("/")


def unpack(artifact: Artifact, kept: Path, folder: str, target: Path) -> None:
    """Lay the artifact into a build context that stands for `folder`."""
    prefix = placed(artifact, folder)
    if prefix is not None:
        with tarfile.open(file(artifact, kept)) as tar:
            tar.extractall(target / prefix, filter="tar")


def as_archive(artifacts: Sequence[Artifact], kept: Path, folder: str) -> Iterator[bytes]:
    """One tar stream of all artifacts that lie below a working folder, named relative to it."""
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as target:
            for artifact in artifacts:
                prefix = placed(artifact, folder)
                if prefix is None:
                    continue
                with tarfile.open(file(artifact, kept)) as source:
                    for member in source:
                        content = source.extractfile(member) if member.isfile() else None
                        member.name = posixpath.join(prefix, member.name)
                        target.addfile(member, content)
        whole.seek(0)
        while chunk := whole.read(CHUNK):
            yield chunk
