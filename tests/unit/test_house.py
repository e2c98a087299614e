"""The house rules that a machine can see."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.cli import COMMANDS, FORMER
from shipway.steps import KINDS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "shipway").rglob("*.py"))
HELPERS = {
    "sizes",
    "spare_hook",
    "sections",
    "__init__",
    "output",
    "progress",
    "prove_folder",
    "remote",
    "remote_client",
    "report_files",
    "typed",
    "secret_file",
    "secret_lists",
    "secret_rotate",
    "json_outputs",
    "json_records",
}  # modules of the command line that are no command
WRITTEN = ("src", "tests", "bench", "examples", "scripts", "images")  # folders of files that people write
MADE = {".json", ".pyc", ".gz", ".png", "__pycache__", "node_modules"}  # by programs
BIN = Path(sys.executable).parent
NEUTRAL = ("domain", "actions", "proving")  # folders that name no vendor
WORDS = (
    "postgres", "psql", "libpq", r"\bpg", "mysql", "maria", r"\bredis", "valkey", "mongo", "sqlite", "docker", "podman", "containerd",
    "traefik", "caddy", "nginx", "alembic", "django", "sequelize", "knex", "dbmate", "goose", "diesel", "flyway", "liquibase", "squawk",
)  # fmt: skip
VENDORS = re.compile("|".join(WORDS), re.IGNORECASE)
PLAIN = tuple(word.removeprefix(r"\b") for word in WORDS)  # only lines with one of them are searched
TERMS = re.compile(
    r"Docker Engine|dockerfile|\.dockerignore", re.IGNORECASE
)  # terms of the field and of the plan language
MAY_NAME = {  # the part of the line, and why
    ("domain/names.py", 'return f"{volume}.pg{numbers[0]}"'): "volumes of upgrades that were made are called so",
    ("actions/environment/ownership.py", "share a ledger on PostgreSQL (SHIPWAY_LEDGER)"): "the setting takes no other",
    ("actions/proofs/folder.py", "--rows supports only PostgreSQL"): "users of another server read which one has it",
    ("actions/proofs/folder.py", "--lint supports only folders of SQL files for PostgreSQL"): "likewise",
}


def parsed(*words: str) -> Iterator[tuple[Path, ast.Module]]:
    """The sources that have one of these words."""
    for path in SOURCES:
        text = path.read_text()
        if any(word in text for word in words):
            yield path, ast.parse(text)


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "check", "examples/catalogue/backend"),  # its own pipeline's first step
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports", "--no-cache"),
    ],
    ids=lambda item: item[0],
)
def test_static_checks_pass(command: tuple[str, ...]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_small() -> None:
    """Programs, tests and their cases, of every language; not what a program has written."""
    folders = (folder for name in WRITTEN for folder in (ROOT / name).rglob("*"))
    files = [path for path in folders if path.is_file() and not MADE & {*path.parts, path.suffix}]
    assert {path.suffix for path in files} >= {".py", ".sh", ".go", ".js", ".mjs", ".ts", ".css", ".txt", ""}
    counts = {str(path.relative_to(ROOT)): path.read_bytes().count(b"\n") for path in files}
    assert {name: count for name, count in counts.items() if count > 400} == {}


def test_frozen_classes_are_made_fast() -> None:
    """A command that starts defines a hundred of them: see `domain.value`."""
    slow = [
        path.name
        for path in SOURCES
        if re.search(r"^@(dataclasses\.)?dataclass\(frozen=True\)$", text := path.read_text(), re.M)
        and "from shipway.domain.value import dataclass" not in text
        and "inside" not in path.parts
    ]
    assert slow == []


def test_only_output_prints() -> None:
    printing = {
        path.name
        for path, tree in parsed("print(")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    # `python -m shipway.planfile.schema` is a tool for developers; the others are run in images.
    assert printing <= {"schema.py", "alembic_program.py", "sqlite_program.py"}


def test_text_files_have_an_encoding() -> None:
    """Otherwise it is the locale's, and a file depends on who reads it."""
    opening = parsed("open(", "read_text", "write_text")
    found = [f"{path}:{line}" for path, tree in opening for line in _without_encoding(tree)]
    assert not found


def _without_encoding(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(item.arg in ("encoding", None) for item in node.keywords):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [item.value for item in node.args[1:2] if isinstance(item, ast.Constant)]
        opens = name == "fdopen" or (name == "open" and isinstance(node.func, ast.Name))
        if name in ("read_text", "write_text") or (opens and not any("b" in str(mode) for mode in modes)):
            yield node.lineno


def test_the_core_imports_only_the_standard_library_and_itself() -> None:
    for path in (ROOT / "src" / "shipway" / "domain").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.startswith("shipway.domain") or name.partition(".")[0] in sys.stdlib_module_names, (
                    path,
                    name,
                )
                assert name.partition(".")[0] not in {"time", "random", "os", "socket", "subprocess", "logging"}, (
                    path,
                    name,
                )


def test_the_core_names_no_vendor() -> None:
    """What is known about one of them is its driver's; code, messages, docstrings and comments are searched."""
    found, excused = [], set()
    for path in (path for folder in NEUTRAL for path in (ROOT / "src/shipway" / folder).rglob("*.py")):
        name = path.relative_to(ROOT / "src/shipway").as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not any(map(line.casefold().__contains__, PLAIN)):
                continue
            excuse = next((key for key in MAY_NAME if key[0] == name and key[1] in line), None)
            rest = TERMS.sub("", line.replace(excuse[1], "") if excuse else line)
            excused |= {excuse} if excuse else set()
            found += [f"{name}:{number}: {match[0]}" for match in VENDORS.finditer(rest)]
    assert not found
    assert excused == set(MAY_NAME), "these excuses are no longer needed"


def test_every_command_and_step_kind_is_in_its_table() -> None:
    commands = {path.stem for path in (ROOT / "src/shipway/cli").glob("*.py")} - HELPERS
    assert commands == {name.replace("-", "_") for name in COMMANDS}
    assert set(FORMER.values()) <= set(COMMANDS)
    for name, kind in KINDS.items():
        for target, takes in ((kind.run_by, ["run", "attempt"]), (kind.key_by, ["run", "step", "inputs"])):
            module, _, function = target.partition(":")
            found = inspect.signature(getattr(importlib.import_module(module), function))
            assert list(found.parameters) == takes, name


def test_help_imports_no_command() -> None:
    code = "import sys; from shipway.cli import cli; cli(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"shipway.app", "pydantic", "ruamel", "psycopg", "sqlite3", "http.client", "concurrent.futures"}
    assert not [name for name in heavy if f"'{name}'" in done.stdout]


def test_no_lock_file_names_an_address() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for name in listed:
        if re.search(r"(package-lock\.json|requirements[\w-]*\.txt|\.lock)$", name):
            text = (ROOT / name).read_text()
            assert '"resolved"' not in text, name
            assert "--index-url" not in text, name


def test_every_module_loads_with_the_python_of_the_distribution() -> None:
    """Debian 12 has 3.11.2, whose standard library lacks what later patches of 3.11 brought."""
    python = "/usr/bin/python3"
    version = "import sys; print(*sys.version_info[:2])"
    mine = " ".join(map(str, sys.version_info[:2]))
    if not Path(python).exists() or subprocess.check_output([python, "-c", version], text=True).strip() != mine:
        pytest.skip(f"there is no other Python {mine}")
    names = [
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for path in sorted((ROOT / "src" / "shipway").rglob("*.py"))
        if not {"testing", "inside", "__main__.py"} & set(path.parts)
    ]
    own = [str(ROOT / "src"), *(path for path in sys.path if path.endswith("site-packages"))]
    program = f"import importlib, sys; sys.path[:0] = {own!r}; [importlib.import_module(name) for name in {names!r}]"
    done = subprocess.run([python, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
