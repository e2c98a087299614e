"""Output reaches programs, old terminals and closed pipes as it should."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

import shipway.cli
from shipway.cli import COMMANDS, cli
from shipway.cli.output import TerminalReporter, _Guarded, table
from shipway.domain.errors import EngineError

HEAD = "app: a\nservices: {web: {image: nginx:1}}\n"


def commands() -> dict[str, click.Command]:
    """All of them, those below others too."""
    found: dict[str, click.Command] = {}
    ctx = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(ctx, name)
        assert command is not None
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {item}": command.commands[item] for item in command.commands}
    return found


@pytest.mark.parametrize(("name", "command"), commands().items(), ids=commands())
def test_where_json_is_asked_for_reports_go_to_stderr(
    name: str, command: click.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    option = next((item for item in command.params if "--json" in item.opts), None)
    if option is None:
        return
    assert option.name == "as_json", f"`shipway {name}`: the reporter knows it by this name"
    with click.Context(command) as ctx:
        ctx.params = {"as_json": True}
        reporter = TerminalReporter()
        reporter.heading("repair")
        reporter.begin("start", "web")
        reporter.line("start", "a line")
        reporter.end("start", "succeeded", 1.0)
        reporter.note("done")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_with_few_characters_gets_others(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    _Guarded(stream).write("✓ deployed → bücher.example 日本 \udc80\n")
    stream.flush()
    shown = raw.getvalue().decode(encoding)
    assert "deployed" in shown
    assert ("✓" in shown) == (encoding == "utf-8" and "?" not in shown) or shown.startswith("+ deployed -> b")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_command_on_such_a_terminal(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "shipway.yaml").write_text(HEAD + "# é\nübung: →\n")
    done = run("check", folder=tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 3
    assert b"unknown key" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(("command", "said"), [(("check", "--schema"), False), (("init",), True)])
def test_a_closed_pipe_is_141_and_is_said_of_what_changes_something(
    tmp_path: Path, command: tuple[str, ...], said: bool
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(*command, folder=tmp_path, stdout=writer)
    os.close(writer)
    assert done.returncode == 141
    assert (b"its reader disconnected" in done.stderr) == said
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("closed", "numbers"), [("0<&- >&- 2>&-", {0, 1, 2}), (">&-", {1}), ("2>&-", {2}), ("0<&-", {0})]
)
def test_closed_standard_streams(tmp_path: Path, closed: str, numbers: set[int]) -> None:
    """No file of Shipway gets the number of one: a tool's output would go there."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys\nfrom shipway.cli.output import guard_streams\nguard_streams()\nsys.stdin.read()\nprint('shown')\n"
        "sys.stderr.write('x')\nprint(*(os.path.realpath(f'/proc/self/fd/{n}') for n in range(3)), file=open('seen', 'w'))\n"
    )
    command = f"exec {shlex.quote(sys.executable)} {program} {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, input=b"", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"" if 1 in numbers else b"shown\n")
    seen = (tmp_path / "seen").read_text().split()
    assert {number for number, path in enumerate(seen) if path == os.devnull} == numbers


def test_both_pipes_closed(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run("check", "--schema", folder=tmp_path, stdout=writer, stderr=writer)
    missing = run("check", folder=tmp_path, stdout=writer, stderr=writer)
    os.close(writer)
    assert (done.returncode, missing.returncode) == (141, 3)


def run(
    *args: str, folder: Path, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE, **env: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "shipway", "--home", str(folder / "home"), *args], cwd=folder, stdout=stdout, stderr=stderr,
        env={**os.environ, **env}, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (KeyError("Endpoints"), ""),
        (FileNotFoundError(2, "No such file or directory", "/run/x"), "  because: No such file or directory: /run/x\n"),
        (ValueError("no number"), "  because: no number\n"),
        (ValueError("it is gone"), ""),
        (ValueError("it is\n\tgone"), ""),
    ],
)
def test_causes_are_told_where_they_tell_something(
    cause: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**options: object) -> None:
        raise EngineError("it is gone") from cause

    monkeypatch.setattr(cli, "main", fails)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(SystemExit):
        shipway.cli.main()
    assert capsys.readouterr().err == f"error: it is gone\n{said}"


@pytest.mark.parametrize(("columns", "width"), [(200, 60), (60, 31), (20, 16)])
def test_a_table_fits_a_terminal(
    columns: int, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *given: os.terminal_size((columns, 24)))
    monkeypatch.setenv("NO_COLOR", "1")
    table([["2026-11-30", "a" * 30 + "b" * 30, "ada@example.org"]], ["when", "schema", "by"], narrow=("schema",))
    found = capsys.readouterr().out.splitlines()[1].split()[1]
    assert len(found) == width
    assert found.startswith("a")
    assert found.endswith("b")


def test_causes_in_a_circle_are_told_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = EngineError("it is gone"), ValueError("no number")
    first.__cause__, second.__cause__ = second, first

    def fails(**options: object) -> None:
        raise first

    monkeypatch.setattr(cli, "main", fails)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(SystemExit):
        shipway.cli.main()
    assert capsys.readouterr().err.count("no number") == 1
