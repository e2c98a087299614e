"""The end of `shipway init`: what to do next, as lines for a shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.actions.projects.init import draft_plan
from shipway.actions.projects.next_steps import next_steps
from shipway.cli import cli
from shipway.domain.errors import RepositoryError
from shipway.system.git import Repository

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b.example")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of a web service with two secrets, with one commit."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Dockerfile").write_text(
        "FROM python:3.12-slim\nCOPY app.py .\nEXPOSE 80\nHEALTHCHECK CMD curl -f http://localhost/up\n"
    )
    (root / "app.py").touch()
    (root / ".env.example").write_text("SECRET_KEY=x\nSTRIPE_API_KEY=y\n")
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    subprocess.run([*GIT, "add", "."], cwd=root, check=True)
    subprocess.run([*GIT, "commit", "-qm", "x"], cwd=root, check=True)
    return root


def commands(root: Path) -> list[str]:
    return [line.partition("  #")[0] for line in next_steps(draft_plan(root)) if not line.startswith("#")]


def test_the_order(root: Path) -> None:
    assert commands(root) == [
        "shipway check",
        'git add shipway.yaml && git commit -m "Add a deployment plan"',
        "git branch staging",
        "shipway secret set staging SECRET_KEY --generate",
        "shipway secret set staging STRIPE_API_KEY",
        "shipway run staging",
    ]


def test_with_a_remote_and_a_staging_branch(root: Path) -> None:
    subprocess.run(["git", "branch", "staging"], cwd=root, check=True)
    subprocess.run(["git", "remote", "add", "origin", str(root)], cwd=root, check=True)
    assert commands(root)[2:4] == [
        "git switch staging && git merge main && git switch main",
        "git push origin main staging",
    ]


@pytest.mark.parametrize("state", ["with commits", "without a commit", "no repository"])
def test_the_lines_can_be_pasted(root: Path, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """All but the runs of the program itself, which needs no engine for `check`."""
    monkeypatch.chdir(root)
    if state != "with commits":
        shutil.rmtree(root / ".git")
    if state == "without a commit":
        subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    told = CliRunner().invoke(cli, ["init"]).output
    block = [line[2:] for line in told.partition("Next, in this order:\n")[2].splitlines()]
    shell = "\n".join(line for line in block if not line.startswith("shipway"))
    (root / "identity").write_text("[user]\n name = a\n email = a@b.example\n")
    done = subprocess.run(
        ["bash", "-e", "-c", shell], cwd=root, env={"PATH": str(Path(shutil.which("git") or "").parent), "GIT_CONFIG_GLOBAL": str(root / "identity")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        ["git", "show", "staging:shipway.yaml"], cwd=root, capture_output=True, text=True, check=True
    )
    assert shown.stdout == (root / "shipway.yaml").read_text()
    subprocess.run(
        ["git", "cat-file", "-e", "staging:app.py"], cwd=root, check=True
    )  # a deployment builds from commits
    assert any(line.startswith("# resolve the TODOs in lines ") for line in block)


def test_a_folder_without_a_commit(root: Path) -> None:
    shutil.rmtree(root / ".git")
    steps = next_steps(draft_plan(root))
    assert steps.index("git init -b main  # Shipway deploys commits") == 2
    assert any(".gitignore" in line for line in steps)
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    with pytest.raises(RepositoryError, match="has no commit yet"):
        Repository(root).commit("HEAD")
