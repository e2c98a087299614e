"""Outputs of steps, kept by content."""

from __future__ import annotations

import io
import os
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.errors import StepFailed
from shipway.domain.run import Artifact
from shipway.steps.artifacts import as_archive, file, reaches, store, unpack


def _tar(files: dict[str, bytes | str], mtime: int = 0, links: dict[str, str] | None = None) -> Iterator[bytes]:
    """A text instead of bytes is what a symbolic link leads to; links: hard ones, after all else as an engine has them."""
    whole = io.BytesIO()
    with tarfile.open(
        fileobj=whole, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mtime = mtime
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            tar.addfile(member)
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


@pytest.mark.parametrize(
    ("of", "path", "into", "where"),
    [
        ("", "web/dist", "web", "dist/a.js"),  # of a step in a pulled image, which works in the repository's root
        ("", "web", "web/app", "dist/a.js"),
        ("web", "dist", "", "web/dist/a.js"),
        ("", "web-other/dist", "web", None),
        ("", "web", "web", "app/dist/a.js"),
    ],
)
def test_an_output_of_any_step_lies_where_its_path_says(
    tmp_path: Path, of: str, path: str, into: str, where: str | None
) -> None:
    inside = {"web/dist": "dist/a.js", "web": "web/app/dist/a.js", "dist": "dist/a.js", "web-other/dist": "dist/a.js"}[
        path
    ]
    made = store(_tar({inside: b"1"}), of, path, tmp_path / "kept", tmp_path)
    target = tmp_path / "context"
    target.mkdir()
    unpack(made, tmp_path / "kept", into, target)
    assert [str(found.relative_to(target)) for found in target.rglob("*.js")] == ([where] if where else [])
    assert reaches(made, into) == (where is not None)


def test_hard_links_stay_links_wherever_they_are_laid(tmp_path: Path) -> None:
    archive = _tar({"release/deps/app-1": b"program"}, links={"release/app": "release/deps/app-1"})
    made = store(archive, "", "target/release", tmp_path / "kept", tmp_path)
    target = tmp_path / "context"
    target.mkdir()
    unpack(made, tmp_path / "kept", "", target)
    one, other = target / "target/release/app", target / "target/release/deps/app-1"
    assert one.read_bytes() == b"program"
    assert one.stat().st_ino == other.stat().st_ino
    with tarfile.open(fileobj=io.BytesIO(b"".join(as_archive([made], tmp_path / "kept", "target")))) as tar:
        assert {member.name: member.linkname for member in tar} == {
            "release/deps/app-1": "",
            "release/app": "release/deps/app-1",
        }


def test_names_may_have_any_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"dist/caf\xe9-\xff")
    made = store(_tar({name: b"1", "dist/" + "long" * 60: b"2"}), "", "dist", tmp_path / "kept", tmp_path)
    target = tmp_path / "context"
    target.mkdir()
    unpack(made, tmp_path / "kept", "", target)
    assert sorted(os.listdir(os.fsencode(target / "dist"))) == [b"caf\xe9-\xff", b"long" * 60]


def test_links_stay_and_nothing_is_written_through_them(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    harmless = store(
        _tar({"dist/current": "v1", "dist/v1/a": b"1", "dist/away": str(outside)}),
        "",
        "dist",
        tmp_path / "kept",
        tmp_path,
    )
    through = store(_tar({"away/evil": b"1"}), "", "dist/away", tmp_path / "kept", tmp_path)
    target = tmp_path / "context"
    target.mkdir()
    unpack(harmless, tmp_path / "kept", "", target)
    assert os.readlink(target / "dist/current") == "v1"
    with pytest.raises(StepFailed, match="output dist/away can't be extracted"):
        unpack(through, tmp_path / "kept", "", target)
    assert list(outside.iterdir()) == []


def test_a_link_that_is_too_long_to_be_looked_at_leads_nowhere(tmp_path: Path) -> None:
    """Some versions of `tarfile` take it for a file: the folders are almost as deep as a path may be, the next output
    lays a link below them by short names, and the last one is written through it."""
    kept, target, outside = tmp_path / "kept", tmp_path / "context", tmp_path / "outside"
    for folder in (target, outside):
        folder.mkdir()
    short, deep, length = ["x"], "x", len(f"{target}/x/")
    folders: dict[str, bytes | str] = {}
    while length < 3990:
        part = "d" * min(240, 3990 - length + 1)
        folders |= {f"{deep}/{len(short)}": part, f"{deep}/{part}/.keep": b""}
        short.append(str(len(short)))
        deep, length = f"{deep}/{part}", length + len(part) + 1
    there, last = "/".join(short), "l" * 200
    folders["x/escape"] = f"{'/'.join(short[1:])}/{last}/../../outside"
    link = {last: "../" * (len(short) - 1)}
    outputs = [("x", folders), (f"{there}/{last}", link), ("x/escape/evil", {"evil": b"1"})]
    made = [store(_tar(files), "", path, kept, tmp_path) for path, files in outputs]  # type: ignore[arg-type]

    def unpack_all() -> None:
        for artifact in made:
            unpack(artifact, kept, "", target)

    with pytest.raises(StepFailed, match="can't be extracted"):
        unpack_all()
    assert list(outside.iterdir()) == []


def test_a_hard_link_to_a_file_of_the_machine_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/key").write_text("secret", encoding="utf-8")
    away = store(_tar({"x": str(tmp_path / "outside")}), "", "x", tmp_path / "kept", tmp_path)
    linked = store(_tar({}, links={"y": "x/key"}), "", "y", tmp_path / "kept", tmp_path)
    target = tmp_path / "context"
    target.mkdir()
    unpack(away, tmp_path / "kept", "", target)
    with pytest.raises(StepFailed, match="a link leads y out"):
        unpack(linked, tmp_path / "kept", "", target)


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    made = store(_tar({"dist/a.js": b"1"}), "", "dist", tmp_path / "kept", tmp_path)
    (tmp_path / "context").mkdir()
    (tmp_path / "context/dist").write_text("in the way", encoding="utf-8")
    with pytest.raises(StepFailed, match="the output dist can't be extracted"):
        unpack(made, tmp_path / "kept", "", tmp_path / "context")


def test_the_owner_is_who_works_there(tmp_path: Path) -> None:
    made = store(_tar({"release/app": b"1"}), "", "target/release", tmp_path / "kept", tmp_path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(as_archive([made], tmp_path / "kept", "", (1000, 100))))) as tar:
        assert [(member.name, member.uid, member.gid) for member in tar] == [
            ("target", 1000, 100), ("target/release", 1000, 100), ("target/release/app", 1000, 100)
        ]  # fmt: skip


def test_what_no_archive_can_keep_is_named(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        pipe = tarfile.TarInfo("dist/pipe")
        pipe.type = tarfile.FIFOTYPE
        tar.addfile(pipe)
    assert store(iter([whole.getvalue()]), "", "dist", tmp_path / "kept", tmp_path).left_out == ("dist/pipe",)


def test_a_huge_output_takes_no_memory_and_a_larger_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = tarfile.TarInfo("dist/huge")
    head.size = 64 << 20

    def chunks() -> Iterator[bytes]:
        yield head.tobuf(tarfile.GNU_FORMAT)
        for _ in range(64):
            yield bytes(1 << 20)
        yield bytes(1024)

    tracemalloc.start()
    store(chunks(), "", "dist", tmp_path / "kept", tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 << 20
    monkeypatch.setattr("shipway.steps.artifacts.LARGEST", 1 << 20)
    with pytest.raises(StepFailed, match="output dist is larger"):
        store(chunks(), "", "dist", tmp_path / "kept", tmp_path)
