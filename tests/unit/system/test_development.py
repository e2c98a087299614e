"""What `shipway dev` sees of a working tree and of the machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from shipway.system.git import Repository
from shipway.system.git.working_tree import ignored, snapshot
from shipway.system.listening import is_free, listener, next_free
from shipway.system.watching import Watcher
from tests.unit.system.repositories import git, neutral, repository  # noqa: F401

pytestmark = pytest.mark.usefixtures("neutral")


class TestSnapshot:
    @pytest.fixture
    def made(self, tmp_path: Path) -> Repository:
        files = {"a.txt": "a\n", "b/c.txt": "c\n", ".gitignore": "secret\nbuilt/\n"}
        return Repository.find(repository(tmp_path / "work", files))

    def test_has_changed_new_and_deleted_files_but_no_ignored_ones(self, made: Repository, tmp_path: Path) -> None:
        (made.path / "a.txt").write_text("changed\n")
        (made.path / "new.txt").write_text("new\n")
        (made.path / "secret").write_text("s\n")
        (made.path / "b/c.txt").unlink()
        commit = snapshot(made, tmp_path / "index")
        assert set(made.tree_hashes(commit.revision, ["."])) == {".gitignore", "a.txt", "new.txt"}
        assert made.show(commit.revision, "a.txt") == "changed\n"

    def test_leaves_head_index_and_files_as_they_are(self, made: Repository, tmp_path: Path) -> None:
        (made.path / "a.txt").write_text("changed\n")
        before = git(made.path, "status", "--porcelain"), git(made.path, "rev-parse", "HEAD")
        snapshot(made, tmp_path / "index")
        assert (git(made.path, "status", "--porcelain"), git(made.path, "rev-parse", "HEAD")) == before
        assert git(made.path, "for-each-ref").count("\n") == 0

    def test_is_the_same_for_the_same_files(self, made: Repository, tmp_path: Path) -> None:
        first = snapshot(made, tmp_path / "index")
        assert snapshot(made, tmp_path / "other") == first
        (made.path / "a.txt").write_text("changed\n")
        assert snapshot(made, tmp_path / "index") != first
        (made.path / "a.txt").write_text("a\n")
        assert snapshot(made, tmp_path / "index") == first

    def test_works_before_the_first_commit(self, tmp_path: Path) -> None:
        (tmp_path / "work").mkdir()
        git(tmp_path / "work", "init", "--quiet")
        (tmp_path / "work/a.txt").write_text("a\n")
        made = Repository.find(tmp_path / "work")
        commit = snapshot(made, tmp_path / "index")
        made.export(commit.revision, tmp_path_of(tmp_path))
        assert (tmp_path / "out/a.txt").read_text() == "a\n"

    def test_ignored_folders_stand_for_all_in_them(self, made: Repository) -> None:
        (made.path / "built/deep").mkdir(parents=True)
        (made.path / "built/deep/x").write_text("x")
        (made.path / "secret").write_text("s")
        assert ignored(made) == {"built", "secret"}


def tmp_path_of(path: Path) -> Path:
    (path / "out").mkdir()
    return path / "out"


class TestWatcher:
    def test_sees_changed_new_and_removed_files_once(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("a")
        (tmp_path / "b").write_text("b")
        watcher = Watcher(tmp_path)
        assert watcher.changes() == []
        (tmp_path / "a").write_text("longer")
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder/new").write_text("n")
        (tmp_path / "b").unlink()
        assert watcher.changes() == ["a", "b", "folder/new"]
        assert watcher.changes() == []

    def test_sees_a_file_that_an_editor_replaces(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("one")
        watcher = Watcher(tmp_path)
        times = (tmp_path / "a").stat()
        (tmp_path / "part").write_text("two")
        os.utime(tmp_path / "part", ns=(times.st_atime_ns, times.st_mtime_ns))
        (tmp_path / "part").replace(tmp_path / "a")
        assert watcher.changes() == ["a"]

    def test_skips_ignored_files_tools_folders_and_what_editors_leave_for_a_moment(self, tmp_path: Path) -> None:
        watcher = Watcher(tmp_path, lambda: frozenset({"built", "x.log"}))
        for name in ("built/a", ".git/index", "node_modules/m/i.js", ".a.py.swp", "a.py~", "4913", "x.log", "seen"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("x")
        assert watcher.changes() == ["seen"]

    def test_asks_again_what_is_ignored_when_that_changes(self, tmp_path: Path) -> None:
        found = [frozenset[str](), frozenset({"built"})]
        watcher = Watcher(tmp_path, lambda: found.pop(0))
        (tmp_path / ".gitignore").write_text("built")
        assert watcher.changes() == [".gitignore"]
        (tmp_path / "built").write_text("x")
        assert watcher.changes() == []

    def test_does_not_follow_links_to_folders(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to(tmp_path)
        watcher = Watcher(tmp_path)
        (tmp_path / "a").write_text("x")
        assert watcher.changes() == ["a"]


class TestListening:
    def test_names_the_process_on_a_port(self) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            port = server.getsockname()[1]
            found = listener(port)
            assert found is not None
            assert f"(process {os.getpid()})" in found
            assert not is_free(port)
            assert next_free(port - 1) > port

    def test_knows_nobody_on_a_free_one(self) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
        assert listener(port) is None
