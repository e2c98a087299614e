"""What a branch changes in a folder, in real repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.actions.proofs.changed_files import changed_files
from shipway.domain.errors import RepositoryError

Git = Callable[..., None]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Runs git in a repository with a commit on main, in which db/ has two files."""

    def run(*words: str) -> None:
        settings = ("-c", "user.email=a@b.example", "-c", "user.name=a", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *settings, *words], cwd=tmp_path, check=True, capture_output=True)

    run("init", "--quiet", "--initial-branch", "main")
    (tmp_path / "db").mkdir()
    for name in ("1_a.up.sql", "1_a.down.sql", "2_b.up.sql"):
        (tmp_path / "db" / name).write_text("SELECT 1;")
    run("add", ".")
    run("commit", "--quiet", "--message", "first")
    return run


def test_what_a_branch_changes(tmp_path: Path, git: Git) -> None:
    folder = tmp_path / "db"
    git("switch", "--quiet", "--create", "branch")
    (folder / "3_c.up.sql").write_text("SELECT 3;")
    (folder / "1_a.down.sql").unlink()
    (tmp_path / "elsewhere.sql").write_text("SELECT 1;")
    git("add", "--all", ".")
    git("commit", "--quiet", "--message", "second")
    (folder / "2_b.up.sql").write_text("SELECT 2;")  # not committed
    (folder / "4 é.up.sql").write_text("")  # not even added
    found = changed_files(folder, "")
    assert found.paths == {"3_c.up.sql", "1_a.down.sql", "2_b.up.sql", "4 é.up.sql"}
    assert found.against == "main"
    assert changed_files(folder, "HEAD").paths == {"2_b.up.sql", "4 é.up.sql"}


def test_what_main_changed_meanwhile_is_not_the_branchs(tmp_path: Path, git: Git) -> None:
    git("switch", "--quiet", "--create", "branch")
    git("switch", "--quiet", "main")
    (tmp_path / "db" / "2_b.up.sql").write_text("SELECT 2;")
    git("commit", "--quiet", "--all", "--message", "second")
    git("switch", "--quiet", "branch")
    assert changed_files(tmp_path / "db", "main").paths == set()


def test_the_remotes_main_branch_is_preferred(tmp_path: Path, git: Git) -> None:
    git("update-ref", "refs/remotes/origin/trunk", "HEAD")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    (tmp_path / "db" / "2_b.up.sql").write_text("SELECT 2;")
    git("commit", "--quiet", "--all", "--message", "second")
    found = changed_files(tmp_path / "db", "")
    assert (found.against, found.paths) == ("origin/trunk", {"2_b.up.sql"})


def test_what_can_not_be_compared(tmp_path: Path, git: Git) -> None:
    with pytest.raises(RepositoryError, match="there is no revision 'nope'"):
        changed_files(tmp_path / "db", "nope")
    git("checkout", "--quiet", "--orphan", "other")
    git("commit", "--quiet", "--message", "unrelated")
    with pytest.raises(RepositoryError, match="main and HEAD have no common commit") as error:
        changed_files(tmp_path / "db", "main")
    assert "fetch" in error.value.hint
    git("branch", "--quiet", "--delete", "--force", "main")
    git("branch", "--quiet", "--move", "other", "topic")
    git("branch", "--quiet", "second")
    with pytest.raises(RepositoryError, match="neither origin/main nor main"):
        changed_files(tmp_path / "db", "")


def test_a_folder_outside_of_a_repository(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is not in a git repository") as error:
        changed_files(tmp_path, "")
    assert "--changed" in error.value.hint
