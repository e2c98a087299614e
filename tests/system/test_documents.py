"""The commands of README and tutorial run, in their order, as a reader runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.blocks import Block, Shell, blocks, missing_lines
from tests.system.tiny import remove_images

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


@pytest.fixture
def name() -> str:
    """What the reader's app is called here, so that it meets no other one on the engine."""
    return f"app-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def shell(tmp_path: Path, name: str) -> Iterator[Shell]:
    """A reader's shell in an empty folder. What a failed command leaves on the engine is removed."""
    (tmp_path / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n")
    work = tmp_path / "work"
    work.mkdir()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "SHIPWAY_"))}
    env |= {
        "HOME": str(tmp_path), "SHIPWAY_HOME": str(tmp_path / "home"), "no_proxy": "*",
        "PATH": f"{Path(sys.executable).parent}:{env['PATH']}",
    }  # fmt: skip
    yield Shell(work, env)
    for environment in ("staging", "production"):
        command = ["shipway", "--quiet", "destroy", environment, "--force", "--volumes", "--app", name]
        subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False)
    remove_images(name)


def follow(page: Path, shell: Shell, app: str, name: str) -> list[Block]:
    """Do what the page says, with an app of another name. Returns the blocks that ran."""
    ran, output = [], ""
    for block in blocks(page):
        text = block.text.replace(app, name)
        if block.file:
            shell.save(block.file, text)
        elif block.runs:
            output = shell.run(text)
            ran.append(block)
        elif block.language == "text":
            assert not (missing := missing_lines(text, output)), f"{block.where} shows {missing}; printed was\n{output}"
    return ran


def test_the_readme(shell: Shell, name: str) -> None:
    """Its quick start, on an app that is one page."""
    shell.save(f"{name}/index.html", "<h1>Mine</h1>\n")
    shell.run(f"cd {name} && git init --quiet && git add . && git commit --quiet --message Mine && cd ..")
    ran = follow(ROOT / "README.md", shell, "your-app", name)
    assert len(ran) >= 4
    assert "staging" in shell.run(f"shipway history staging --app {name}")


@pytest.mark.machine
def test_the_tutorial(shell: Shell, name: str) -> None:
    ran = follow(ROOT / "docs" / "tutorial.md", shell, "guestbook", name)
    assert len(ran) > 10
    assert not list(shell.folder.iterdir()), "the tutorial leaves files"


@pytest.mark.machine
def test_the_launch(shell: Shell, name: str) -> None:
    ran = follow(ROOT / "docs" / "launch.md", shell, "pinboard", name)
    assert len(ran) > 6
    assert not list(shell.folder.iterdir()), "the guide leaves files"


def test_the_installation(shell: Shell) -> None:
    assert follow(ROOT / "docs" / "install.md", shell, "", "")
