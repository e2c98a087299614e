"""What the documents promise is there."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import click
import pytest

from scripts.blocks import COMMANDS as SHELLS
from scripts.blocks import Shell, blocks, missing_lines
from shipway.cli import COMMANDS, cli
from shipway.domain import errors
from shipway.planfile import parse

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FOLLOWED = [
    ROOT / "README.md",
    ROOT / "docs" / "install.md",
    ROOT / "docs" / "tutorial.md",
    ROOT / "docs" / "launch.md",
]  # by test_documents.py


def test_the_plan_of_the_readme_is_valid_and_short() -> None:
    block = re.search(r"```yaml\n(.*?)```", README, re.S)
    assert block
    assert len(block[1].splitlines()) <= 40
    plan = parse(block[1], "README.md", files=lambda path: True)
    assert list(plan.environments) == ["staging", "production"]


def test_commands_of_the_documents_exist() -> None:
    for document in [README, *(path.read_text() for path in (ROOT / "docs").rglob("*.md"))]:
        for command in re.findall(r"`shipway ([a-z][a-z-]+)", document):
            assert command in COMMANDS, command
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    """A block that isn't marked is run by tests/system/test_documents.py; here its kind is known, and so is each reason."""
    for page in FOLLOWED:
        for block in blocks(page):
            assert block.language in (*SHELLS, "text", "yaml", "python", "sql"), f"{block.where}: {block.language!r}"
            assert block.not_run is None or len(block.not_run) > 20, block.where
            tests = re.findall(r"tests/[\w/]+", block.not_run or "")
            assert all((ROOT / name).exists() or (ROOT / f"{name}.py").exists() for name in tests), block.where
    marked = {block.text.split()[0] for page in FOLLOWED for block in blocks(page) if block.not_run}
    assert marked <= {"pipx", "make", "export"}, "run these, or add the reason here too"


def test_blocks_are_read_and_followed_as_a_reader_does(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: it needs a remote -->\n```console\npush\n```\n\n"
        '```console\nmkdir here && cd here\n```\n\n```sql title="a/b.sql"\nSELECT 1;\n```\n'
    )
    pushed, made, saved = blocks(page)
    assert (pushed.not_run, pushed.runs) == ("it needs a remote", False)
    assert (made.not_run, made.runs, made.where) == (None, True, "page.md:6")
    shell = Shell(tmp_path, os.environ)
    shell.run(made.text)
    shell.save(saved.file or "", saved.text)
    assert shell.run("cat a/b.sql") == "SELECT 1;\n"
    assert (tmp_path / "here/a/b.sql").exists()
    with pytest.raises(RuntimeError, match="exit code 3"):
        shell.run("echo before\n(exit 3)\necho after")


def test_an_excerpt_shows_what_was_printed() -> None:
    output = "release 12 of shop\n  ✓ start   0.5 s\n"
    assert missing_lines("release 1 of shop\n✓ start 2.25 s\n…\n✓ …", output) == []
    assert missing_lines("release of shop\n✓ stop 0.5 s", output) == ["release of shop", "✓ stop 0.5 s"]


def test_the_readme_leads_to_every_page() -> None:
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} - {"docs/index.md"}
    assert pages - set(re.findall(r"\((docs/[a-z-]+\.md)", README)) == set()


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_commands_of_a_document_have_these_options(page: Path) -> None:
    text = page.read_text()
    lines = [line for block in blocks(page) if block.language in SHELLS for line in block.text.splitlines()]
    spans = re.findall(r"(?<!`)`(shipway [^`\n]+)`(?!`)", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    for line in [*lines, *spans]:
        for command in re.findall(r"(?:^|\$ |&& |\| )(shipway [^|&<>#;]+)", line):
            unknown = unknown_words(command)
            assert not unknown, f"{page.name}: {command!r} has {unknown}"


def unknown_words(line: str) -> list[str]:
    """Options that the command of a line doesn't have."""
    words = line.partition(" -- ")[0].split()[1:]
    command: click.Command = cli
    known = {name for param in cli.params for name in (*param.opts, *param.secondary_opts)} | {
        "--help",
        "-h",
        "--version",
    }
    unknown = []
    for word in words:
        if isinstance(command, click.Group) and (found := command.get_command(click.Context(command), word)):
            command = found
            known |= {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
        elif re.match(r"--?[a-zA-Z]", word) and word.partition("=")[0].rstrip(",)") not in known:
            unknown.append(word)
    return unknown


def test_the_command_reference_is_up_to_date() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "from scripts.commands import page; print(page(), end='')"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ROOT / "docs" / "commands.md").read_text() == found.stdout, "call `make docs`"


def test_every_exit_code_is_documented_and_unique() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text()
    classes = [
        item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, errors.ShipwayError)
    ]
    for error in classes:
        assert f"| {error.exit_code} | {error.__name__} |" in text, f"document {error.__name__} in docs/exit-codes.md"
    codes = [error.exit_code for error in classes if "exit_code" in vars(error)]  # a kind of a failure has that one's
    assert len(codes) == len(set(codes))


def test_links_between_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(((?!http)[^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), (path.name, target)


def test_every_claim_about_security_names_a_test_that_exists() -> None:
    claims = set(re.findall(r"`(tests/[\w/]+\.py)((?:::\w+)+)`", (ROOT / "docs" / "security.md").read_text()))
    assert len(claims) > 80
    for file, names in claims:
        text = (ROOT / file).read_text()
        for name in names.removeprefix("::").split("::"):
            assert re.search(rf"^\s*(def|class) {name}\b", text, re.M) or inherited(text, name), f"{file}{names}"


def inherited(text: str, name: str) -> bool:
    """Whether a suite that the file takes from `shipway.testing` has the test."""
    suites = re.findall(r"from shipway\.testing\.(\w+) import", text)
    places = [ROOT / "src/shipway/testing" / suite for suite in suites]
    files = [
        file for place in places for file in (place.glob("*.py") if place.is_dir() else [place.with_suffix(".py")])
    ]
    return any(f"def {name}(" in file.read_text() for file in files)


def test_the_walks_through_the_code_lead_down_its_layers() -> None:
    """Each names at most 20 files that exist, and a reader climbs back at most once."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [part.strip().removeprefix("shipway.") for line in contracts[0]["layers"] for part in line.split("|")]
    groups = [f"actions/{name}" for name in contracts[1]["layers"]]
    order = [folder for layer in layers for folder in (groups if layer == "actions" else [layer])]
    page = (ROOT / "docs" / "architecture.md").read_text()
    walks = re.findall(r"<!-- walk: (\w+) -->\n\n((?:\d+\. .*\n(?: .*\n)*)+)", page)
    assert [name for name, _ in walks] == ["push", "rollback", "proof"]
    for name, text in walks:
        files = re.findall(r"^\d+\. `([\w/]+\.py)`", text, re.M)
        assert 10 < len(files) <= 20, name
        floors = []
        for file in files:
            assert (ROOT / "src" / "shipway" / file).exists(), file
            floors.append(next(index for index, part in enumerate(order) if file.removesuffix(".py").startswith(part)))
        assert sum(later < earlier for earlier, later in pairwise(floors)) <= 1, name


def test_changes_of_the_reference_application_are_listed_and_apply() -> None:
    folder = ROOT / "examples" / "catalogue"
    listed = re.findall(r"^\| `([a-z-]+)` \|", (folder / "README.md").read_text(), re.M)
    changes = {path.stem: path for path in (folder / "changes").iterdir()}
    assert sorted(changes) == sorted(listed)
    for path in changes.values():
        subprocess.run(
            ["git", "apply", "--check", "--directory", "examples/catalogue", str(path)], cwd=ROOT, check=True
        )
