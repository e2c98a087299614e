"""`shipway prove`: its options, its exit codes and its output, on SQLite where it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shipway.cli.prove import OF_FOLDERS, OF_RELEASES, prove
from tests import prepared

PAIR = {"1_a.up.sql": "CREATE TABLE a (id integer);", "1_a.down.sql": "DROP TABLE a;"}
SECOND = {"2_b.up.sql": "CREATE TABLE b (id integer);"}
Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a folder of files."""

    def make(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "migrations"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    return make


def run(*words: object, prefix: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    args = ["prove", *map(str, words)]
    if prefix:
        command = [*prefix, sys.executable, "-m", "shipway", *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    else:
        done = prepared.run(args, Path.cwd(), os.environ, merged=False)
    return done.returncode, done.stdout, done.stderr


def on_sqlite(folder: Path, *words: object) -> tuple[int, str, str]:
    return run("--migrations", folder, "--database", "sqlite:", *words)


def normal(text: str, folder: Path) -> str:
    """Without times, paths and the version of the server."""
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"SQLite \d+(\.\d+)+", "SQLite 3", text)
    text = re.sub(r"\d+\.\d{3}", "0.000", re.sub(r"\b\d+\.\d s", "0.0 s", text))
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "2026-01-01T00:00:00", text)


EXPECTED = Path(__file__).parent / "expected"
FILES = {
    "good": PAIR,
    "bad": {**PAIR, **SECOND},
    "fails": {**PAIR, **SECOND, "3_c.up.sql": "CREATE x;", "4_d.up.sql": ""},
}


@pytest.mark.parametrize(("name", "expected"), [("good", 0), ("bad", 17), ("fails", 17)])
def test_all_reports_of_a_folder(name: str, expected: int, write: Write, tmp_path: Path) -> None:
    folder = write(FILES[name])
    files = [tmp_path / f"report.{end}" for end in ("md", "xml", "svg", "html")]
    options = zip(("--markdown", "--junit", "--badge", "--html"), files, strict=True)
    code, output, errors = on_sqlite(folder, *(word for pair in options for word in pair))
    assert code == expected, errors
    assert normal(output + errors, folder) == (EXPECTED / f"{name}.txt").read_text()
    for file in files[:3]:
        assert normal(file.read_text(), folder) == (EXPECTED / f"{name}{file.suffix}").read_text()
    assert file.read_text() or file.suffix
    assert "</html>" in files[3].read_text()


def test_markdown_on_stdout_is_alone_there(write: Write) -> None:
    code, output, errors = on_sqlite(write(FILES["bad"]), "--markdown", "-")
    assert code == 17
    assert output.startswith("**❌ Rollback: 1 of 2 migrations does not revert cleanly.**\n")
    assert "IRREVERSIBLE  2 b" in errors
    assert "2 of 2 migrations tested" in errors


def test_json_on_stdout_is_alone_there(write: Write) -> None:
    code, output, errors = on_sqlite(write(FILES["bad"]), "--json")
    assert code == 17
    assert json.loads(output)["verdicts"] == {"RESTORED": 1, "IRREVERSIBLE": 1}
    assert errors == "error: 1 of 2 migrations can't be reverted\nhint: fix their down migrations\n"


def test_parts_of_a_folder(write: Write) -> None:
    folder = write({**PAIR, **SECOND, "3_c.up.sql": "SELECT 1;", "3_c.down.sql": "SELECT 1;"})
    for words, tested in (
        (["--since", "2"], ["3"]),
        (["--from", "2"], ["2", "3"]),
        (["--only", "a", "--only", folder / "3_c.up.sql"], ["1", "3"]),
    ):
        output = on_sqlite(folder, "--json", *words)[1]
        assert [way["migrations"] for way in json.loads(output)["ways"]] == [[version] for version in tested]
    code, output, errors = on_sqlite(folder, "--since", "3", "--badge", folder / "badge.svg")
    assert (code, errors) == (0, "")
    assert output.splitlines()[1:] == ["nothing to test: 3 c is the newest migration"]
    assert "nothing tested" in (folder / "badge.svg").read_text()


def test_what_a_branch_changes(write: Write, tmp_path: Path) -> None:
    folder = write(PAIR)

    def git(*words: str) -> None:
        settings = ("-c", "user.email=a@b.example", "-c", "user.name=a", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *settings, *words], cwd=tmp_path, check=True, capture_output=True)

    code, _, errors = on_sqlite(folder, "--changed")
    assert (code, "is not in a git repository" in errors) == (4, True)
    git("init", "--quiet", "--initial-branch", "main")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    code, output, errors = on_sqlite(folder, "--changed")
    assert (code, output.splitlines()[-1]) == (0, "nothing to test: no migration differs from main"), errors
    write(SECOND)
    code, output, _ = on_sqlite(folder, "--changed", "--json")
    assert (code, [way["migrations"] for way in json.loads(output)["ways"]]) == (17, [["2"]])
    git("add", ".")
    git("commit", "--quiet", "--message", "second")
    (folder / "1_a.down.sql").write_text("DROP TABLE a; -- changed later")
    code, output, _ = on_sqlite(folder, "--changed", "HEAD~1", "--json")
    assert [way["migrations"] for way in json.loads(output)["ways"]] == [["1"], ["2"]]
    assert "no revision 'nope'" in on_sqlite(folder, "--changed", "nope")[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["v1"], "RELEASE has no meaning with --migrations"),
        (["--env", "production"], "--env has no meaning with --migrations"),
        (["--mode", "rows"], "--mode has no meaning with --migrations"),
        (["--again"], "--again has no meaning with --migrations"),
        (["--from", "1", "--since", "1"], "can't be combined"),
        (["--only", "1", "--changed"], "can't be combined"),
        (["--image", "postgres:15"], "--image has no meaning with --database"),
        (["--dialect", "mysql"], "--dialect mysql contradicts --database, which is sqlite"),
        (["--rows"], "--rows supports only PostgreSQL"),
        (["--lint"], "--lint supports only folders of SQL files for PostgreSQL"),
        (["--json", "--markdown", "-"], "--markdown - and --json both print to stdout"),
        (["--junit", "missing/file.xml"], "--junit missing/file.xml can't be written"),
        (["--html", "."], "is a directory"),
        (["--html", "report", "--junit", "report"], "two reports would be written to"),
        (["--timeout", "nan"], "nan is no number of seconds"),
        (["--timeout", "inf"], "is not in the range"),
        (["--layout", "nope"], "'nope' is not one of"),
    ],
)
def test_options_are_never_ignored(words: list[str], message: str, write: Write, tmp_path: Path) -> None:
    if "--changed" in words:
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
        git = ["git", "-C", str(tmp_path), "-c", "user.email=a@b.example", "-c", "user.name=a"]
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], check=True)
        words = [*words, "HEAD"]
    code, output, errors = on_sqlite(write(PAIR), *words)
    assert (code, message in errors) == (2, True), errors
    assert "tested" not in output


@pytest.mark.parametrize("name", OF_FOLDERS)
def test_options_of_folders_have_no_meaning_with_a_release(name: str) -> None:
    option = next(item for item in prove.params if item.name == name)
    values = {"layout": ["goose"], "dialect": ["mysql"], "timeout": ["5"], "changed": []}
    value = [] if getattr(option, "is_flag", False) else values.get(name, ["x"])
    code, _, errors = run(option.opts[0], *value)
    assert (code, f"{OF_FOLDERS[name]} has no meaning with a release" in errors) == (2, True), errors


def test_every_option_is_of_a_release_of_a_folder_or_of_both() -> None:
    both = {"html", "junit", "markdown", "badge", "as_json", "migrations"}
    assert {item.name for item in prove.params} == {*OF_RELEASES, *OF_FOLDERS, *both}


def test_contradictions_about_the_server(write: Write) -> None:
    folder = write(PAIR)
    for words, message in (
        (
            ["--image", "mariadb:10.11", "--dialect", "postgres"],
            "--dialect postgres contradicts --image, which is mysql",
        ),
        (["--image", "custom:1", "--dialect", "sqlite"], "--image has no meaning with --dialect sqlite"),
    ):
        code, _, errors = run("--migrations", folder, *words)
        assert (code, message in errors) == (2, True), errors


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "unreadable", "unreadable file"])
def test_a_folder_that_can_not_be_read(kind: str, write: Write, tmp_path: Path) -> None:
    folder = write(PAIR if "unreadable" in kind else {})
    expected, message = (
        25,
        {"missing": "there is no folder", "empty": "there are no migrations in"}.get(kind, "can't be read"),
    )
    prefix: tuple[str, ...] = ()
    if kind == "missing":
        folder.rmdir()
    if kind == "file":
        folder, expected, message = tmp_path / "file.sql", 2, "is a file"
        folder.write_text("SELECT 1;")
    if "unreadable" in kind:
        locked = folder if kind == "unreadable" else folder / "1_a.up.sql"
        locked.chmod(0)
        if os.geteuid() == 0:  # who may read everything
            caps = "-dac_override,-dac_read_search"
            prefix = ("setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}")
            if shutil.which("setpriv") is None:
                pytest.skip("needs setpriv")
    try:
        code, _, errors = run("--migrations", folder, "--database", "sqlite:", prefix=prefix)
    finally:
        if "unreadable" in kind:
            locked.chmod(stat.S_IRWXU)
    assert (code, message in errors) == (expected, True), errors


def test_without_an_engine_another_server_is_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    code, output, errors = run("--migrations", write(PAIR))
    assert code == 25
    assert output.startswith("golang-migrate folder ")
    assert "no server can be started in a container" in errors
    assert "--database URL" in errors


def test_reports_are_written_if_nothing_could_be_tested(write: Write, tmp_path: Path) -> None:
    """A CI server must not show the report of an earlier run, or none."""
    folder, file = write(PAIR), tmp_path / "report.xml"
    code, _, _ = run("--migrations", folder, "--database", "postgresql://x@127.0.0.1:1/x", "--junit", file)
    assert code == 25
    (suite,) = ElementTree.fromstring(file.read_text())
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("1", "1")
