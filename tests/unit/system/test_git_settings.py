"""A person's configuration of git, and what git refuses, change nothing or are told in git's own words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipway.domain.errors import RepositoryError
from shipway.system.addresses import addresses
from shipway.system.git import Repository
from shipway.system.origin import Origin
from tests.unit.system.repositories import commit, git, neutral, repository

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
PORCELAIN = {
    "log.showSignature": "true", "color.ui": "always", "i18n.logOutputEncoding": "latin1", "core.quotePath": "true",
    "log.mailmap": "true", "status.short": "true", "status.branch": "true", "status.showUntrackedFiles": "all", "column.ui": "always",
    "tag.sort": "-refname", "log.decorate": "full", "format.pretty": "oneline", "log.date": "relative", "core.autocrlf": "true",
    "core.eol": "crlf", "core.symlinks": "false", "core.fileMode": "false", "tar.umask": "0077", "diff.external": "false", "core.pager": "false",
}  # fmt: skip


def answers(path: Path, target: Path) -> list[object]:
    """Of all that Shipway asks git."""
    target.mkdir()
    found = Repository.find(path)
    found.export("HEAD", target)
    files = {
        item.name: (item.lstat().st_mode, item.is_symlink() or item.read_bytes())
        for item in target.iterdir()
        if not item.is_dir()
    }
    return [
        found.path, found.commit("HEAD"), found.ref("main"), found.is_dirty(), found.tree_hashes("HEAD", ["."]),
        found.main_branch(), found.show("HEAD", "README"), b"".join(found.archive("HEAD")), files,
    ]  # fmt: skip


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """A repository whose newest commit is signed, with an untracked file."""
    path = repository(tmp_path / "work", {"README": "read\nme\n", "föö bar": "x", "run.sh": "#!/bin/sh\n"})
    (path / "run.sh").chmod(0o755)
    (path / "link").symlink_to("README")
    git(path, "add", ".")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "allowed").write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    for name, value in (
        ("gpg.format", "ssh"),
        ("user.signingKey", f"{key}.pub"),
        ("gpg.ssh.allowedSignersFile", str(tmp_path / "allowed")),
    ):
        git(path, "config", name, value)
    git(path, "commit", "--quiet", "--gpg-sign", "--message", "Grüße, signed")
    git(path, "tag", "v1")
    git(path, "tag", "v2")
    (path / "untracked").write_text("x")
    return path


def test_settings_of_porcelain_change_no_answer(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answers(signed, tmp_path / "one")
    assert before[1] == Repository(signed).commit("v1")
    assert Repository(signed).commit("HEAD").subject == "Grüße, signed"
    for name, value in PORCELAIN.items():
        git(signed, "config", name, value)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert answers(signed, tmp_path / "two") == before


def test_settings_by_variables_change_no_answer(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answers(signed, tmp_path / "one")
    for number, (name, value) in enumerate(PORCELAIN.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(PORCELAIN)))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    monkeypatch.setenv("LANGUAGE", "de")
    assert answers(signed, tmp_path / "two") == before


def test_a_bare_repository_works_where_only_named_ones_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = repository(tmp_path / "work")
    git(tmp_path, "clone", "--quiet", "--bare", str(work), "bare.git")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.bareRepository")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "explicit")
    assert Repository.find(tmp_path / "bare.git").commit("main").subject == "first"
    assert Repository.find(work).commit("main").subject == "first"
    with pytest.raises(RepositoryError, match=r"cannot use bare repository.*safe.bareRepository is 'explicit'"):
        Repository.find(tmp_path / "bare.git" / "refs")  # come upon, and not meant


@pytest.mark.parametrize("bare", [False, True])
def test_a_repository_of_another_user_is_refused_in_gits_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare: bool
) -> None:
    path = repository(tmp_path / "work")
    if bare:
        git(tmp_path, "clone", "--quiet", "--bare", str(path), "bare.git")
        path = tmp_path / "bare.git"
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(
        RepositoryError, match="git rejects this repository: detected dubious ownership in repository at"
    ) as caught:
        Repository.find(path)
    assert f"git config --global --add safe.directory {path}" in caught.value.hint
    assert "git init" not in caught.value.hint
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(path))
    assert Repository.find(path).commit("main").subject == "first"


def test_what_a_replaced_object_says_does_not_count(tmp_path: Path) -> None:
    path = repository(tmp_path / "work")
    real = commit(path, {"README": "mallory\n"}, "mallory's", email="mallory@example.org")
    other = git(path, "commit-tree", "HEAD^{tree}", "-m", "harmless", email="ada@example.org")
    git(path, "replace", real, other)
    assert Repository(path).commit("main").author == "mallory@example.org"


def test_the_recorded_repository_is_read_alike(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(signed, {"shipway.yaml": "app: shop\n"}, email="ada@example.org")
    before = git(signed, "rev-parse", "HEAD~1")
    for name, value in PORCELAIN.items():
        git(signed, "config", name, value)
    git(tmp_path, "clone", "--quiet", "--bare", str(signed), "bare.git")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    (tmp_path / "config").write_text("[safe]\n\tbareRepository = explicit\n[log]\n\tshowSignature = true\n")
    for path in (signed, tmp_path / "bare.git"):
        origin = Origin(str(path), str(path), Repository(path), tmp_path / "home")
        assert origin.before("main", "shipway.yaml") == before
        assert origin.text("main", "shipway.yaml") == "app: shop\n"
        assert next(iter(addresses(Repository(path))))
