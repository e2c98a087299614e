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
    return [line for line in next_steps(draft_plan(root)) if not line.startswith("#")]


FILL = [
    'echo .env.staging >> "$(git rev-parse --git-path info/exclude)"',
    "printf '%s=\\n' STRIPE_API_KEY >> .env.staging",
    "shipway secret import staging .env.staging",
]


def test_the_order(root: Path) -> None:
    assert commands(root) == [
        "shipway check",
        'git add shipway.yaml && git commit -m "Add a deployment plan"',
        "git branch staging",
        *FILL,
        "shipway secret set staging SECRET_KEY --generate",
        "shipway run staging",
    ]


def test_secrets_of_production(root: Path) -> None:
    own = "# production has secrets of its own: shipway secret set production SECRET_KEY --generate"
    file = "shipway secret import production FILE (FILE: lines NAME=VALUE)"
    assert f"{own}; {file}" in next_steps(draft_plan(root))


def test_with_a_remote_and_a_staging_branch(root: Path) -> None:
    subprocess.run(["git", "branch", "staging"], cwd=root, check=True)
    subprocess.run(["git", "remote", "add", "origin", str(root)], cwd=root, check=True)
    assert commands(root)[2:4] == [
        "git switch staging && git merge main && git switch main",
        "git push origin main staging",
    ]


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        ({".env": "STRIPE_API_KEY=x\n"}, ["shipway secret import staging .env"]),
        ({"api/.env": "STRIPE_API_KEY=x\n"}, ["shipway secret import staging api/.env"]),
        ({".env": "STRIPE_API_KEY=\nOTHER=1\n"}, FILL),
        ({".env": "STRIPE_API_KEY=x\nnot a line\n"}, FILL),
        ({".gitignore": ".env.*\n"}, FILL[1:]),
    ],
    ids=["in the root", "in a folder", "blank", "not readable", "ignored"],
)
def test_values_of_secrets_come_from_a_file(root: Path, files: dict[str, str], steps: list[str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    found = commands(root)
    assert found[3:-2] == steps
    assert "STRIPE_API_KEY=x" not in "\n".join(found)


def test_the_credentials_of_a_registry(root: Path) -> None:
    (root / "config").mkdir()
    (root / "config/deploy.yml").write_text(
        "service: shop\nimage: acme/shop\nservers: [203.0.113.10]\n"
        "registry: {server: ghcr.io, username: bot, password: [REGISTRY_PASSWORD]}\n"
    )
    steps = next_steps(draft_plan(root))
    at = steps.index("shipway secret set registry REGISTRY_PASSWORD --for ghcr.io")
    assert steps[at - 1] == "# this one asks for the value: paste it alone"


def pasted(root: Path, text: str, stand_in: str) -> str:
    """What `bash -e` prints that gets these lines as a terminal does."""
    bin_ = root.parent / "bin"
    bin_.mkdir()
    (bin_ / "shipway").write_text(f"#!/bin/sh\n{stand_in}\n")
    (bin_ / "shipway").chmod(0o755)
    (root.parent / "identity").write_text("[user]\n name = a\n email = a@b.example\n")
    env = {
        "PATH": f"{bin_}:{Path(shutil.which('git') or '').parent}:/usr/bin:/bin",
        "GIT_CONFIG_GLOBAL": str(root.parent / "identity"),
    }
    done = subprocess.run(["bash", "-e"], cwd=root, env=env, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lines_can_be_pasted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that reads from the terminal would take the line after it."""
    monkeypatch.chdir(root)
    told = CliRunner().invoke(cli, ["init"]).output
    block = [line[2:] for line in told.partition("Next, in this order:\n")[2].splitlines()]
    shown = pasted(root, "\n".join(block) + "\n", 'echo "shipway $*"; case "$*" in *import*) cat "$4";; esac')
    assert [line for line in shown.splitlines() if line.startswith("shipway ")] == [
        line for line in block if line.startswith("shipway ")
    ]
    assert "\nSTRIPE_API_KEY=\n" in shown
    shown = subprocess.run(
        ["git", "show", "staging:shipway.yaml"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert shown == (root / "shipway.yaml").read_text()
    status = subprocess.run(["git", "status", "--short"], cwd=root, capture_output=True, text=True, check=True)
    assert status.stdout == "", "a file with values of secrets isn't ignored"


def test_open_questions_and_addresses(root: Path) -> None:
    result = draft_plan(root)
    steps, lines = next_steps(result), result.text.splitlines()
    addresses = [number for number, line in enumerate(lines, 1) if "its public address" in line]
    named = ", ".join(map(str, addresses))
    assert f"# addresses in shipway.yaml are of this machine, write the public ones: line {named}" in steps
    assert not any("resolve the TODOs" in step for step in steps)
    (root / "Dockerfile").write_text("FROM python:3.12-slim\nCOPY app.py .\nEXPOSE 80\n")
    asked = draft_plan(root)
    rest = [number for number in asked.todos if "its public address" not in asked.text.splitlines()[number - 1]]
    which = "the TODOs in lines" if len(rest) > 1 else "the TODO in line"
    assert next_steps(asked)[0] == f"# resolve {which} {', '.join(map(str, rest))} of shipway.yaml"


@pytest.mark.parametrize("repository", [True, False], ids=["without a commit", "no repository"])
def test_a_folder_without_a_commit(repository: bool, tmp_path: Path) -> None:
    """A deployment builds from commits. Values of secrets are not committed."""
    root = tmp_path / "shop"
    (root / "api").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM x\nEXPOSE 80\nHEALTHCHECK CMD curl -f http://localhost/up\n")
    (root / ".env").write_text("PASSWORD=hush\n")
    (root / "api/.env").write_text("PASSWORD=hush\n")
    if repository:
        subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    (root / "shipway.yaml").write_text(draft_plan(root).text)
    pasted(root, "\n".join(next_steps(draft_plan(root))) + "\n", "exit 0")
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "staging"], cwd=root, capture_output=True, text=True, check=True
    )
    assert listed.stdout.split() == ["Dockerfile", "shipway.yaml"]
