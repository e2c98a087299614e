"""Small repositories for tests, by a real git that no configuration of this machine changes."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

ADA = "ada@example.org"


def git(path: Path, *args: str, email: str = ADA, input: str = "") -> str:
    """As a person with that address."""
    config = {"user.email": email, "user.name": email.partition("@")[0].title(), "init.defaultBranch": "main", "protocol.file.allow": "always",
              "advice.detachedHead": "false", "maintenance.auto": "false"}  # fmt: skip
    given = [part for name, value in config.items() for part in ("-c", f"{name}={value}")]
    return subprocess.run(
        ["git", *given, *args], cwd=path, check=True, capture_output=True, text=True, input=input
    ).stdout.strip()


def commit(path: Path, files: Mapping[str, str | bytes], message: str = "change", *, email: str = ADA) -> str:
    """Write the files and commit them; gives the revision."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    if files:
        git(path, "add", "--", *files)
    git(path, "commit", "--quiet", "--allow-empty", "--message", message, email=email)
    return committed(path)


def committed(path: Path) -> str:
    """The revision of a new commit of a work tree, read from its file: to start git takes longer than all else here."""
    folder = path / ".git"
    if not folder.is_dir():  # of another repository
        return git(path, "rev-parse", "HEAD")
    _, named, ref = (head := (folder / "HEAD").read_text(encoding="utf-8").strip()).partition("ref: ")
    return (folder / ref).read_text(encoding="utf-8").strip() if named else head


def repository(path: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """One with a first commit on main: a copy of the first one with these files."""
    return copied(_model(tuple((files or {"README": "read me\n"}).items())), path)


def copied(model: Path, path: Path) -> Path:
    """A work tree like a model."""
    shutil.copytree(model, path, symlinks=True)
    git(path, "update-index", "--refresh")  # it has the times of the files
    return path


def bare(work: Path, path: Path) -> Path:
    """A bare repository with all that a work tree's has."""
    shutil.copytree(work / ".git", path, symlinks=True, ignore=shutil.ignore_patterns("index", "logs"))
    config = path / "config"
    config.write_text(config.read_text(encoding="utf-8").replace("bare = false", "bare = true"), encoding="utf-8")
    return path


@cache
def _model(files: tuple[tuple[str, str | bytes], ...]) -> Path:
    made = new_model()
    git(made, "init", "--quiet")
    commit(made, dict(files), "first")
    return made


def new_model() -> Path:
    """A folder for a work tree that is copied; it stays until the process ends."""
    made = Path(tempfile.mkdtemp(prefix="repository-"))
    atexit.register(shutil.rmtree, made)
    made.chmod(0o755)  # as any other folder
    return made


@pytest.fixture
def neutral(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
