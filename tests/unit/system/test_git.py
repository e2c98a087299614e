"""The repository, over a real git."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from shipway.domain.errors import RepositoryError
from shipway.system.git import Repository


def git(path: Path, *args: str) -> str:
    config = [
        "-c",
        "user.email=ada@example.org",
        "-c",
        "user.name=Ada",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "maintenance.auto=false",
    ]
    return subprocess.run(["git", *config, *args], cwd=path, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    path = tmp_path / "work"
    (path / "backend" / "deep").mkdir(parents=True)
    (path / "backend" / "app.py").write_text("one\n")
    (path / "backend" / "deep" / "x.py").write_text("deep\n")
    (path / "README").write_text("read me\n")
    git(path, "init", "--quiet")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--message", "first")
    return path


def test_it_is_found_from_a_folder_inside_and_in_a_bare_one(work: Path, tmp_path: Path) -> None:
    assert Repository.find(work / "backend").path == work
    git(tmp_path, "clone", "--quiet", "--bare", str(work), "bare.git")
    bare = Repository.find(tmp_path / "bare.git")
    assert bare.commit("main") == Repository.find(work).commit("HEAD")
    assert not bare.is_dirty()


def test_outside_of_any_repository(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is not in a git repository"):
        Repository.find(tmp_path)


def test_an_unknown_revision_names_near_ones(work: Path) -> None:
    git(work, "branch", "staging")
    with pytest.raises(RepositoryError, match="no revision 'stagin'") as caught:
        Repository(work).commit("stagin")
    assert caught.value.hint == "did you mean staging?"


def test_an_option_is_no_revision(work: Path) -> None:
    with pytest.raises(RepositoryError, match="no revision"):
        Repository(work).commit("--all")


def test_dirty_means_changed_and_not_untracked(work: Path) -> None:
    repository = Repository(work)
    (work / "new").write_text("x")
    assert not repository.is_dirty()
    (work / "README").write_text("changed")
    assert repository.is_dirty()


def test_hashes_follow_content(work: Path) -> None:
    repository = Repository(work)
    before, readme = repository.tree_hash("HEAD", "backend"), repository.tree_hash("HEAD", "README")
    (work / "backend" / "app.py").write_text("two\n")
    git(work, "commit", "--quiet", "--all", "--message", "second")
    assert repository.tree_hash("HEAD", "backend/") != before
    assert repository.tree_hash("HEAD", "README") == readme
    assert repository.tree_hash("HEAD", "nothing") is None


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("backend", ["backend/app.py", "backend/deep/x.py"]),
        ("backend/*.py", ["backend/app.py"]),
        ("backend/**/*.py", ["backend/app.py", "backend/deep/x.py"]),
        ("**/*.py", ["backend/app.py", "backend/deep/x.py"]),
        ("README", ["README"]),
        ("nothing", []),
    ],
)
def test_patterns(work: Path, pattern: str, found: list[str]) -> None:
    assert sorted(Repository(work).tree_hashes("HEAD", [pattern])) == found


def test_an_archive_is_the_commit_and_not_the_working_tree(work: Path) -> None:
    (work / "backend" / "app.py").write_text("not committed\n")
    archive = b"".join(Repository(work).archive("HEAD", "backend"))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        content = tar.extractfile("app.py")
        assert content is not None
        assert content.read() == b"one\n"
        assert "deep/x.py" in tar.getnames()


def test_export_and_show(work: Path, tmp_path: Path) -> None:
    repository = Repository(work)
    repository.export("HEAD", tmp_path / "out", folder="backend")
    assert (tmp_path / "out" / "deep" / "x.py").read_text() == "deep\n"
    assert repository.show("HEAD", "README") == "read me\n"
    assert repository.show("HEAD", "nothing") is None
    with pytest.raises(RepositoryError, match="no folder nothing"):
        repository.export("HEAD", tmp_path / "other", folder="nothing")


def test_branches_and_tags(work: Path) -> None:
    repository = Repository(work)
    git(work, "tag", "v1")
    git(work, "switch", "--quiet", "--create", "feature")
    (work / "README").write_text("new")
    git(
        work,
        "-c",
        "user.email=eve@example.org",
        "commit",
        "--quiet",
        "--all",
        "--message",
        "more",
        "--author",
        "Eve <eve@example.org>",
    )
    git(work, "switch", "--quiet", "main")
    git(work, "merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    assert repository.ref("main") == "refs/heads/main"
    assert repository.ref("v1") == "refs/tags/v1"


def test_an_executable_bit_is_a_change(work: Path) -> None:
    before = Repository(work).tree_hashes("HEAD", ["README"])
    (work / "README").chmod(0o755)
    git(work, "commit", "--quiet", "--all", "--message", "executable")
    assert Repository(work).tree_hashes("HEAD", ["README"]) != before


def test_the_source_has_no_credentials_and_is_no_local_path(work: Path) -> None:
    git(work, "remote", "add", "origin", "https://ada:secret@example.org/shop.git")
    assert Repository(work).source() == "https://example.org/shop.git"
    git(work, "remote", "set-url", "origin", "https://ada:sec@ret@example.org/shop.git")
    assert Repository(work).source() == "https://example.org/shop.git"
    git(work, "remote", "set-url", "origin", "/srv/git/shop.git")
    assert Repository(work).source() is None


def test_it_works_where_git_has_set_its_own_variables(
    work: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert Repository.find(work).commit("HEAD").subject == "first"
