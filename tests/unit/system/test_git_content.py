"""The files of a commit are those of a checkout, or the clone is refused with what completes it."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from shipway.domain.errors import RepositoryError
from shipway.system.git import Repository
from tests.unit.system.repositories import commit, git, neutral, repository

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
CONTENT = b"a large file, they say\n" * 1000


def files(folder: Path) -> dict[str, bytes]:
    """All that a person finds in it, without git's own."""
    found = {}
    for place, folders, names in os.walk(folder):
        for path in (Path(place, name) for name in (*names, *folders)):
            if ".git" not in path.relative_to(folder).parts and (path.is_symlink() or path.is_file()):
                found[path.relative_to(folder).as_posix()] = (
                    os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
                )
    return found


def exported(path: Path, target: Path, folder: str | None = None) -> dict[str, bytes]:
    """What Shipway makes of HEAD, which its tar stream agrees with."""
    target.mkdir()
    Repository(path).export("HEAD", target, folder=folder)
    with tarfile.open(
        fileobj=io.BytesIO(b"".join(Repository(path).archive("HEAD", folder, prefix="src"))), errors="surrogateescape"
    ) as tar:
        told = {item.name.removeprefix("src/"): item for item in tar.getmembers() if not item.isdir()}
        content = {
            name: item.linkname.encode() if item.issym() else tar.extractfile(item).read()
            for name, item in told.items()
        }  # type: ignore[union-attr]
        assert all(item.mode in (0o644, 0o755, 0o777) and item.uid == 0 and item.mtime > 0 for item in told.values())
    assert content == files(target)
    return content


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return repository(tmp_path / "work")


def test_attributes_for_archives_leave_nothing_out(work: Path, tmp_path: Path) -> None:
    told = ".gitattributes export-ignore\n/tests export-ignore\nback/tests export-ignore\nversion.txt export-subst\n"
    commit(work, {".gitattributes": told, "tests/a": "a", "back/tests/b": "b", "version.txt": "$Format:%H$\n"})
    assert exported(work, tmp_path / "all") == files(work)
    assert exported(work, tmp_path / "back", "back") == {"tests/b": b"b"}


def test_line_endings_are_those_of_a_checkout_in_a_folder_too(work: Path, tmp_path: Path) -> None:
    commit(
        work,
        {
            ".gitattributes": "*.bat text eol=crlf\n*.ps1 text working-tree-encoding=UTF-16LE\n",
            "back/a.bat": "one\n",
            "back/b.ps1": b"t\0w\0o\0",
        },
    )
    assert exported(work, tmp_path / "back", "back") == {"a.bat": b"one\r\n", "b.ps1": b"t\0w\0o\0"}


def test_modes_links_and_names_of_any_bytes(work: Path, tmp_path: Path) -> None:
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "outside").symlink_to("/etc/passwd")
    (work / "folder").symlink_to("..")
    for name in (b"caf\xe9", b"two\nlines", b'"quoted"', b"long" * 50):
        (work / os.fsdecode(name)).write_bytes(name)
    git(work, "add", ".")
    commit(work, {})
    before = os.umask(0o077)
    try:
        assert exported(work, tmp_path / "out") == files(work)
    finally:
        os.umask(before)
    assert (tmp_path / "out" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out" / "README").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "out" / "outside").is_symlink()


def test_the_same_commit_gives_the_same_archive(work: Path) -> None:
    commit(work, {"a/b/c": "x", "z": "y"})
    assert b"".join(Repository(work).archive("HEAD")) == b"".join(Repository(work).archive("HEAD"))


def test_a_path_that_leads_out_of_the_folder_is_refused(work: Path, tmp_path: Path) -> None:
    blob = git(work, "hash-object", "-w", "--stdin", input="evil")
    for name in ("..", ".git", ".GIT"):
        inner = git(work, "mktree", input=f"100644 blob {blob}\tconfig\n")
        tree = git(work, "mktree", input=f"040000 tree {inner}\t{name}\n")
        revision = git(work, "commit-tree", tree, "-m", "evil")
        (tmp_path / "out").mkdir(exist_ok=True)
        with pytest.raises(RepositoryError, match=r"invalid path|error"):
            Repository(work).export(revision, tmp_path / "out")
    assert files(tmp_path / "out") == {}


@pytest.fixture
def theme(tmp_path: Path) -> Path:
    """A repository with a submodule of its own."""
    icons = repository(tmp_path / "icons", {"icon.svg": "<svg/>"})
    theme = repository(tmp_path / "theme", {"style.css": "body\n"})
    git(theme, "submodule", "--quiet", "add", str(icons), "icons")
    commit(theme, {})
    return theme


def test_submodules_are_filled_as_deep_as_they_go(work: Path, theme: Path, tmp_path: Path) -> None:
    git(work, "submodule", "--quiet", "add", str(theme), "front/theme")
    commit(work, {"front/page": "x"})
    git(work, "submodule", "--quiet", "update", "--init", "--recursive")
    assert exported(work, tmp_path / "all") == files(work)
    assert exported(work, tmp_path / "front", "front") == {"page": b"x", "theme/style.css": b"body\n", "theme/.gitmodules": (theme / ".gitmodules").read_bytes(), "theme/icons/icon.svg": b"<svg/>"}  # fmt: skip


def test_a_submodule_that_was_not_fetched_is_refused_with_the_command(work: Path, theme: Path, tmp_path: Path) -> None:
    git(work, "submodule", "--quiet", "add", str(theme), "theme")
    commit(work, {"page": "x"})
    git(tmp_path, "clone", "--quiet", str(work), "clone")
    (tmp_path / "out").mkdir()
    with pytest.raises(
        RepositoryError, match=r"- theme is a submodule whose commit \w{12} is not in this clone"
    ) as caught:
        Repository(tmp_path / "clone").export("HEAD", tmp_path / "out")
    assert "git submodule update --init --recursive" in caught.value.hint
    git(tmp_path / "clone", "submodule", "--quiet", "update", "--init")  # not within it
    with pytest.raises(RepositoryError, match=r"- theme/icons is a submodule"):
        Repository(tmp_path / "clone").refuse_incomplete("HEAD")
    git(tmp_path / "clone", "submodule", "--quiet", "update", "--init", "--recursive")
    Repository(tmp_path / "clone").refuse_incomplete("HEAD")


def test_the_command_for_a_bare_repository_completes_it(work: Path, tmp_path: Path) -> None:
    icons = repository(tmp_path / "icons", {"icon.svg": "<svg/>"})
    git(work, "submodule", "--quiet", "add", str(icons), "icons")
    commit(work, {})
    git(tmp_path, "clone", "--quiet", "--bare", str(work), "bare.git")
    bare = Repository(tmp_path / "bare.git")
    with pytest.raises(RepositoryError) as caught:
        bare.refuse_incomplete("main")
    command = caught.value.hint.partition("in a bare repository: git ")[2].partition(";")[0]
    git(tmp_path, *command.split())
    bare.refuse_incomplete("main")
    (tmp_path / "out").mkdir()
    bare.export("main", tmp_path / "out")
    assert (tmp_path / "out" / "icons" / "icon.svg").read_text() == "<svg/>"


def test_a_submodule_that_a_checkout_leaves_empty_is_empty(work: Path, tmp_path: Path) -> None:
    git(work, "submodule", "--quiet", "add", str(repository(tmp_path / "docs")), "docs")
    git(work, "config", "-f", ".gitmodules", "submodule.docs.update", "none")
    git(work, "add", ".gitmodules")
    commit(work, {})
    git(tmp_path, "clone", "--quiet", str(work), "clone")
    assert set(exported(tmp_path / "clone", tmp_path / "out")) == {"README", ".gitmodules"}
    assert (tmp_path / "out" / "docs").is_dir()


def test_a_name_of_a_submodule_never_leads_out_of_the_clone(work: Path, tmp_path: Path) -> None:
    outside = repository(tmp_path / "outside", {"private": "secret"})
    head = git(outside, "rev-parse", "HEAD")
    commit(work, {".gitmodules": f'[submodule "../../../outside/.git"]\n\tpath = x\n\turl = {outside}\n'})
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{head},x")
    commit(work, {})
    with pytest.raises(RepositoryError, match=r"x is a submodule that is missing in .gitmodules"):
        Repository(work).refuse_incomplete("HEAD")


def lfs(work: Path, content: bytes = CONTENT) -> Path:
    """Commit a pointer as Git LFS does; gives where its store has the content."""
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    commit(
        work,
        {
            ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
            "model.bin": pointer,
            "raw.bin": "not by LFS\n",
            "pointer.txt": pointer,
        },
    )
    return work / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def test_content_of_git_lfs_comes_from_the_clone(work: Path, tmp_path: Path) -> None:
    store = lfs(work)
    with pytest.raises(
        RepositoryError, match=r"- model.bin is stored in Git LFS, and its content is not in this clone"
    ) as caught:
        Repository(work).refuse_incomplete("HEAD")
    assert f"git lfs fetch origin {git(work, 'rev-parse', 'HEAD')}" in caught.value.hint
    store.parent.mkdir(parents=True)
    store.write_bytes(CONTENT)
    found = exported(work, tmp_path / "out")
    assert found["model.bin"] == CONTENT
    assert found["raw.bin"] == b"not by LFS\n"
    assert found["pointer.txt"].startswith(b"version ")  # it has no such attribute
    store.write_bytes(b"!" + CONTENT[1:])
    (tmp_path / "forged").mkdir()
    with pytest.raises(RepositoryError, match=r"- model.bin is stored in Git LFS"):
        Repository(work).export("HEAD", tmp_path / "forged")


def test_content_of_git_lfs_is_written_through_no_link_of_the_commit(work: Path, tmp_path: Path) -> None:
    store = lfs(work)
    store.parent.mkdir(parents=True)
    store.write_bytes(CONTENT)
    outside = tmp_path / "outside"
    for name in (f".{store.name}.part", f"{store.name}.part"):
        (work / name).symlink_to(outside)
    git(work, "add", "--all")
    commit(work, {})
    assert exported(work, tmp_path / "out")["model.bin"] == CONTENT
    assert not outside.exists()
    assert (tmp_path / "out" / f".{store.name}.part").is_symlink()


def test_a_filter_that_a_checkout_would_run_is_refused_and_never_run(work: Path, tmp_path: Path) -> None:
    commit(work, {".gitattributes": "*.key filter=crypt\n", "a.key": "sealed\n"})
    assert (
        exported(work, tmp_path / "out")["a.key"] == b"sealed\n"
    )  # as a checkout here has it: no such filter is known
    git(work, "config", "filter.crypt.smudge", f"touch {tmp_path}/ran")
    with pytest.raises(RepositoryError, match=r"- a.key has the attribute filter=crypt"):
        Repository(work).refuse_incomplete("HEAD")
    assert not (tmp_path / "ran").exists()


def test_a_partial_clone_is_completed(work: Path, tmp_path: Path) -> None:
    git(work, "config", "uploadpack.allowFilter", "true")
    for number in (1, 2):
        old = commit(work, {"a": f"{number}", "deep/b": f"b{number}"})
    commit(work, {"a": "newest", "deep/b": "newest"})
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{work}", "clone")
    (tmp_path / "old").mkdir()
    Repository(tmp_path / "clone").export(old, tmp_path / "old")
    assert files(tmp_path / "old") == {"README": b"read me\n", "a": b"2", "deep/b": b"b2"}


def test_large_content_is_never_in_memory_as_a_whole(work: Path) -> None:
    import tracemalloc

    commit(work, {"large": os.urandom(1 << 20) * 12})
    tracemalloc.start()
    size = sum(map(len, Repository(work).archive("HEAD")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 12 << 20
    assert peak < 4 << 20
