"""Outputs of steps, kept by content."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.steps.artifacts import Artifact, as_archive, file, store, unpack


def _tar(files: dict[str, bytes], mtime: int = 0) -> Iterator[bytes]:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), mtime
            tar.addfile(member, io.BytesIO(content))
    yield whole.getvalue()


def test_an_output_is_known_by_its_content_and_not_by_its_time(tmp_path: Path) -> None:
    one = store(_tar({"dist/a.js": b"1"}, 5), "frontend", "dist", tmp_path / "kept", tmp_path)
    two = store(_tar({"dist/a.js": b"1"}, 9), "frontend", "dist", tmp_path / "kept", tmp_path)
    other = store(_tar({"dist/a.js": b"2"}, 5), "frontend", "dist", tmp_path / "kept", tmp_path)
    assert one == two
    assert one.digest != other.digest
    assert sorted(path.suffix for path in (tmp_path / "kept").iterdir()) == [".tar", ".tar"]
    assert file(one, tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("folder", "where"), [("frontend", "out/dist/a.js"), ("", "frontend/out/dist/a.js"), ("backend", None)]
)
def test_an_output_is_put_back_where_it_belongs(tmp_path: Path, folder: str, where: str | None) -> None:
    made = store(_tar({"dist/a.js": b"1"}), "frontend", "out/dist", tmp_path / "kept", tmp_path)
    assert made == Artifact("frontend", "out/dist", made.digest)
    target = tmp_path / "context"
    target.mkdir()
    unpack(made, tmp_path / "kept", folder, target)
    with tarfile.open(fileobj=io.BytesIO(b"".join(as_archive([made], tmp_path / "kept", folder)))) as tar:
        names = tar.getnames()
    assert names == ([where] if where else [])
    assert [str(path.relative_to(target)) for path in target.rglob("*.js")] == names
