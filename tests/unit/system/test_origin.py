"""The recorded repository: what it says counts, and never what stands in a clone."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest

from shipway.domain.errors import RepositoryError
from shipway.system.addresses import address_of, addresses, identity, own_address, url_for
from shipway.system.git import Repository
from shipway.system.origin import Origin
from tests.unit.system.test_git import git


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop", True),
        ("ssh://git@github.com/acme/shop.git", "git@github.com:acme/shop", True),
        ("https://GitHub.com/acme/shop.git/", "https://github.com/acme/shop", True),
        ("ssh://ada@host:22/srv/git/shop.git", "eve@host:/srv/git/shop.git", True),
        ("https://github.com/acme/shop", "https://github.com/evil/shop", False),
        ("https://github.com/acme/shop", "https://github.com.evil.example/acme/shop", False),
        ("https://github.com/acme/shop", "https://github.com:8443/acme/shop", False),
        ("https://github.com/acme/shop", "https://github.com/acme/shop/../../evil/shop", False),
        ("ada@host:shop.git", "eve@host:shop.git", False),  # below another person's home
        ("/srv/git/shop.git", "https://srv/git/shop.git", False),
        ("/srv/git/shop.git", "file:///srv/git/shop.git", True),
        ("/srv/shop", "file://localhost/srv/shop/.git", True),
        ("/srv/shop", "file://srv/shop", False),
        ("https://ci:secret@git.example/acme/shop.git", "https://git.example:443/acme/shop/", True),
        ("ssh://git@[2001:db8::1]/acme/shop.git", "git@[2001:DB8::1]:acme/shop", True),
        ("git@git.example:acme/shop.git/", "ssh://git@git.example/acme/shop", True),
        ("ssh://git@git.example:2222/acme/shop.git", "git@git.example:acme/shop.git", False),
    ],
)
def test_which_addresses_mean_one_repository(one: str, other: str, same: bool) -> None:
    assert (identity(one) == identity(other)) is same


def test_a_folder_is_known_by_whatever_path_git_finds_it(tmp_path: Path) -> None:
    (tmp_path / "shop.git").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "shop.git")
    known = identity(str(tmp_path / "shop.git"))
    for address in (
        f"{tmp_path}/shop",
        f"file://{tmp_path}/shop",
        f"file://{tmp_path}/shop.git/",
        f"file://{tmp_path}/link",
    ):
        assert identity(address) == known, address
    (tmp_path / "shop").mkdir()
    assert identity(str(tmp_path / "shop")) != known


@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("https://ci:secret@git.example/acme/shop.git", "https://git.example/acme/shop.git"),
        ("https://token@git.example/acme/shop.git?x=1", "https://git.example/acme/shop.git"),
        ("ssh://git:secret@git.example:2222/shop.git", "ssh://git@git.example:2222/shop.git"),
        ("git@git.example:acme/shop.git", "git@git.example:acme/shop.git"),
    ],
)
def test_what_is_recorded_has_no_credentials(url: str, recorded: str, tmp_path: Path) -> None:
    assert address_of(url, tmp_path) == recorded


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A repository with branches main and feature, and a clone of main alone, by an address that isn't a path."""
    work, clone = tmp_path / "work", tmp_path / "clone"
    work.mkdir()
    git(work, "init", "--quiet")
    for name in ("one", "two", "three"):
        (work / "shipway.yaml").write_text(name)
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--message", name)
    git(work, "tag", "-a", "-m", "annotated", "v1", "main~1")
    git(work, "tag", "v2")
    git(work, "switch", "--quiet", "--create", "feature", "main~1")
    (work / "shipway.yaml").write_text("feature")
    git(work, "commit", "--quiet", "--all", "--message", "feature")
    git(work, "switch", "--quiet", "main")
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", f"file://{work}", str(clone))
    return Origin(f"file://{work}", f"file://{work}", Repository(clone), tmp_path / "home")


def work_of(origin: Origin) -> Path:
    return Path(origin.url.removeprefix("file://"))


def revision(origin: Origin, name: str) -> str:
    return git(work_of(origin), "rev-parse", f"{name}^{{commit}}").strip()


def test_refs_are_those_of_the_recorded_address(origin: Origin) -> None:
    git(origin.clone.path, "update-ref", "refs/heads/evil", "HEAD")
    git(origin.clone.path, "update-ref", "refs/remotes/origin/main", "HEAD~0")
    found = origin.refs()
    assert set(found.branches()) == {"main", "feature"}
    assert found.tags() == {"v1": revision(origin, "v1"), "v2": revision(origin, "main")}


def test_an_instead_of_leads_nowhere_else(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(work_of(origin)), "evil.git")
    git(tmp_path / "evil.git", "update-ref", "refs/heads/evil", "main")
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "file://{tmp_path}/evil.git"]\n\tinsteadOf = {origin.url}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    git(origin.clone.path, "config", f"url.file://{tmp_path}/evil.git.insteadOf", origin.url)
    assert "evil" in git(origin.clone.path, "ls-remote", origin.url)
    assert "evil" not in origin.refs().branches()


def test_files_are_read_at_the_tip_with_and_without_the_clones_objects(origin: Origin) -> None:
    assert origin.text("main", "shipway.yaml") == "three"
    assert not origin.cache.exists() or not list((origin.cache / "objects" / "pack").glob("*.pack"))
    assert origin.text("feature", "shipway.yaml") == "feature"  # which the clone lacks
    assert origin.text("feature", "other.yaml") is None
    assert origin.text("gone", "shipway.yaml") is None


def test_history_that_a_shallow_clone_lacks_is_asked_for(origin: Origin) -> None:
    assert origin.contains(["main", "feature"], revision(origin, "v1")) == ["main", "feature"]
    assert origin.contains(["main", "feature"], revision(origin, "feature")) == ["feature"]
    assert origin.has(revision(origin, "v1"))
    assert not origin.has("1" * 40)


def test_a_commit_of_a_merged_branch_was_never_the_tip(origin: Origin) -> None:
    """A reviewer has seen what the branch changes as a whole, and no commit before its last one alone."""
    work, feature = work_of(origin), revision(origin, "feature")
    git(work, "merge", "--quiet", "--no-ff", "--strategy=ours", "--message", "merge", "feature")
    again = Origin(origin.address, origin.url, origin.clone, origin.home)
    assert again.contains(["main"], feature) == ["main"]
    assert not again.was_tip("main", feature)
    for name in ("main", "main~1", "main~2", "v1"):
        assert again.was_tip("main", revision(origin, name)), name
    assert not again.was_tip("gone", feature)


def test_a_branch_takes_the_place_of_one_whose_name_begins_its_own(origin: Origin) -> None:
    git(work_of(origin), "branch", "--quiet", "release", "feature")
    assert origin.text("release", "shipway.yaml") == "feature"
    git(work_of(origin), "branch", "--quiet", "--delete", "--force", "release")
    git(work_of(origin), "branch", "--quiet", "release/1", "feature")
    git(work_of(origin), "commit", "--quiet", "--allow-empty", "--message", "more")
    again = Origin(origin.address, origin.url, origin.clone, origin.home)
    assert again.contains(["release/1"], revision(origin, "main~3")) == ["release/1"]


def test_no_graft_and_no_replacement_changes_history(origin: Origin) -> None:
    clone, feature = origin.clone.path, revision(origin, "feature")
    git(clone, "fetch", "--quiet", "--unshallow", "origin", "+refs/heads/*:refs/remotes/origin/*")
    git(clone, "replace", "--graft", "origin/main", feature)
    assert "origin/main" in git(clone, "branch", "-r", "--contains", feature)
    assert origin.contains(["main"], feature) == []


def test_a_forged_object_is_found(origin: Origin) -> None:
    """The commit below the tip of main, with another parent than its hash says: git itself believes it."""
    work = work_of(origin)
    git(work, "switch", "--quiet", "main")
    git(work, "commit", "--quiet", "--allow-empty", "--message", "four")
    clone, below, feature = origin.clone.path, revision(origin, "main~1"), revision(origin, "feature")
    git(clone, "fetch", "--quiet", "--unshallow", "origin", "+refs/heads/*:refs/remotes/origin/*")
    for pack in (clone / ".git" / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=clone, input=content, check=True)
    text = git(clone, "cat-file", "commit", below).replace(revision(origin, "main~2"), feature).encode()
    file = clone / ".git" / "objects" / below[:2] / below[2:]
    file.chmod(0o644)
    file.write_bytes(zlib.compress(b"commit %d\0" % len(text) + text))
    assert "origin/main" in git(clone, "branch", "-r", "--contains", feature)
    with pytest.raises(RepositoryError, match="does not match its hash"):
        origin.contains(["main"], feature)


def test_a_local_repository_is_read_as_it_is(tmp_path: Path, origin: Origin) -> None:
    work = work_of(origin)
    git(work, "worktree", "add", "--quiet", "../tree", "feature")
    here = Repository(tmp_path / "tree")
    assert own_address(here) == str(work)
    local = Origin(str(work), str(work), here, tmp_path / "home")
    assert set(local.refs().branches()) == {"main", "feature"}
    assert local.text("main", "shipway.yaml") == "three"
    assert not (tmp_path / "home").exists()


def test_an_address_that_does_not_answer(origin: Origin, tmp_path: Path) -> None:
    gone = Origin("file:///nowhere/shop.git", "file:///nowhere/shop.git", origin.clone, tmp_path / "home")
    with pytest.raises(RepositoryError, match=r"file:///nowhere/shop\.git can't be read") as caught:
        gone.refs()
    assert "shipway rules register" in caught.value.hint


def test_by_which_url_a_clone_reaches_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "clone")
    clone = Repository(tmp_path / "clone")
    assert list(addresses(clone)) == [str(tmp_path / "clone")]
    git(clone.path, "remote", "add", "backup", "/srv/backup.git")
    git(clone.path, "remote", "add", "origin", "https://ci:token@git.example/acme/shop.git")
    assert list(addresses(clone)) == ["https://git.example/acme/shop.git", "/srv/backup.git", str(tmp_path / "clone")]
    assert url_for("git@git.example:acme/shop.git", clone) == "https://ci:token@git.example/acme/shop.git"
    assert url_for("https://git.example/other.git", clone) is None
    git(clone.path, "remote", "set-url", "origin", "http://git.example/acme/shop.git")
    assert url_for("https://git.example/acme/shop.git", clone) == "https://git.example/acme/shop.git"
