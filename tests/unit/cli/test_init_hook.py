"""`shipway init --hook`: a bare repository that runs the plan on a push."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.actions.projects.init import write_hook
from shipway.cli import cli
from shipway.domain.errors import UsageError
from shipway.system.hook_client import SOCKET


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", path], check=True)
    return path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Stands in for the shipway command: notes how it was called, and what it was told."""
    path = tmp_path / "with space" / "shipway"
    path.parent.mkdir()
    path.write_text(
        f'#!/bin/sh\necho "$PWD $*" > {tmp_path}/called\ncat >> {tmp_path}/called\necho "running the plan"\n'
    )
    path.chmod(0o755)
    return path


def test_a_push_calls_shipway_in_the_bare_repository(bare: Path, program: Path, tmp_path: Path) -> None:
    write_hook(bare, tmp_path / "its home", program, force=False)
    work = tmp_path / "work"
    subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], cwd=work, check=True)
    pushed = subprocess.run(["git", "push", str(bare), "main"], cwd=work, capture_output=True, text=True, check=True)
    assert "remote: running the plan" in pushed.stderr
    call, told = (tmp_path / "called").read_text().splitlines()
    assert call == f"{bare} --home {tmp_path}/its home hook"
    assert told.endswith(" refs/heads/main")


def test_without_a_process_that_takes_it_the_push_calls_shipway(bare: Path, program: Path, tmp_path: Path) -> None:
    """The socket of one that was killed is still there."""
    home = tmp_path / "its home"
    (home / "server").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(home / "server" / SOCKET))
    hook = write_hook(bare, home, program, force=False, protected="main")
    done = subprocess.run([hook], cwd=bare, input="a b refs/heads/x\n", capture_output=True, text=True, check=True)
    assert done.stdout == "running the plan\n"
    assert (tmp_path / "called").read_text() == f"{bare} --home {home} hook --protected main\na b refs/heads/x\n"


def test_it_can_be_written_again(bare: Path, program: Path, tmp_path: Path) -> None:
    hook = write_hook(bare, tmp_path / "one", program, force=False)
    write_hook(bare, tmp_path / "two", program, force=False)
    assert "two" in hook.read_text()
    assert os.access(hook, os.X_OK)
    assert [
        item.name for item in hook.parent.iterdir() if "post-receive" in item.name and ".sample" not in item.name
    ] == ["post-receive"]


def test_another_hook_is_only_replaced_by_force(bare: Path, program: Path, tmp_path: Path) -> None:
    hook = bare / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\necho mine\n")
    with pytest.raises(UsageError) as caught:
        write_hook(bare, tmp_path, program, force=False)
    assert "--force" in caught.value.hint
    assert "mine" in hook.read_text()
    write_hook(bare, tmp_path, program, force=True)
    assert "mine" not in hook.read_text()


@pytest.mark.parametrize("kind", ["missing", "empty folder", "work tree", "below a bare one"])
def test_only_a_bare_repository_gets_a_hook(kind: str, bare: Path, program: Path, tmp_path: Path) -> None:
    path = {"below a bare one": bare / "refs"}.get(kind, tmp_path / "other")
    if kind == "work tree":
        subprocess.run(["git", "init", "-q", path], check=True)
    elif kind == "empty folder":
        path.mkdir()
    with pytest.raises(UsageError):
        write_hook(path, tmp_path, program, force=False)


def test_the_command_names_an_existing_program(bare: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["--home", str(tmp_path / "a"), "init", "--hook", str(bare)])
    assert done.exit_code == 0, done.output
    line = (bare / "hooks" / "post-receive").read_text().splitlines()[-1]
    _, program, *rest = line.split()
    assert os.access(program, os.X_OK)
    assert rest == ["--home", str(tmp_path / "a"), "hook"]


def test_a_home_of_its_own(bare: Path, tmp_path: Path) -> None:
    CliRunner().invoke(cli, ["init", "--hook", str(bare), "--home", str(tmp_path / "b")])
    assert f"--home {tmp_path}/b hook" in (bare / "hooks" / "post-receive").read_text()


@pytest.mark.parametrize("arguments", [["--home", "x"], ["--hook", "x.git", "--stdout"]])
def test_options_that_do_not_go_together(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli, ["init", *arguments]).exit_code == 2
