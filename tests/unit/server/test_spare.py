"""The process that waits for a push, and how who waits is woken."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.cli import spare_hook
from shipway.server import spare as module
from shipway.server.spare import Spare, SpareHook
from shipway.system import hook_client
from shipway.system.wake import Waiting, wake


class Process:
    """One that works, or has ended."""

    def __init__(self, folder: Path) -> None:
        self.stdin = (folder / "stdin").open("wb")
        self.code: int | None = None
        self.killed = False

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.killed = True

    def wait(self) -> int:
        return 0


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    found: list[Process] = []

    def popen(command: list[str], **given: object) -> Process:
        assert command[-2:] == ["worker", "--spare"]
        found.append(Process(tmp_path))
        return found[-1]

    monkeypatch.setattr("shipway.server.spare.subprocess.Popen", popen)
    monkeypatch.setattr(module, "IDLE", 0.0)
    return found


def test_it_gets_the_push_and_another_one_follows(tmp_path: Path, started: list[Process]) -> None:
    spare = Spare(tmp_path, tmp_path / "log")
    assert spare.take(1, 1) is None
    spare.keep()
    spare.keep()
    assert len(started) == 1
    assert spare.take(7, 3) is started[0]  # type: ignore[comparison-overlap]
    assert (tmp_path / "stdin").read_text() == "7 3\n"
    spare.keep()
    assert len(started) == 2
    assert not started[0].killed
    spare.close()
    assert started[1].killed


def test_none_is_started_right_after_a_push(
    tmp_path: Path, started: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE", 3600.0)
    spare = Spare(tmp_path, tmp_path / "log")
    spare.keep()
    assert started == []


def test_one_that_has_ended_or_is_of_another_version_gets_none(
    tmp_path: Path, started: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = Spare(tmp_path, tmp_path / "log")
    spare.keep()
    started[0].code = 1
    assert spare.take(1, 1) is None
    spare.keep()
    started[1].code = 1
    spare.keep()
    assert len(started) == 3
    monkeypatch.setattr(module, "changed_at", lambda: -1.0)
    assert spare.take(1, 1) is None
    assert started[2].killed


@pytest.mark.counterpart
def test_a_real_one_works_on_the_push_and_ends_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE", 0.0)
    spare, log = Spare(tmp_path, tmp_path / "log"), tmp_path / "log"
    spare.keep()
    process = spare.take(999, 1)
    assert process is not None
    assert process.wait(120) == 2
    assert "there is no push 999 with that claim" in log.read_text()
    spare.keep()
    waiting = spare._process
    assert waiting is not None
    assert waiting.stdin is not None
    waiting.stdin.close()  # as the system does when the server is killed
    assert waiting.wait(120) == 0
    assert log.read_text().count("error") == 1


def test_who_waits_is_woken(tmp_path: Path) -> None:
    path = tmp_path / "server" / "wake"
    wake(path)  # nobody is there
    waiting = Waiting(path)
    wake(path)
    wake(path)
    waiting.wait(3600)  # it was woken before
    threading.Timer(0.05, wake, [path]).start()
    waiting.wait(3600)
    waiting.wait(0.0)
    waiting.close()
    wake(path)  # nobody is there any more
    assert path.is_fifo()
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_fifo_it_only_waits(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("")
    waiting = Waiting(tmp_path / "server" / "wake")
    waiting.wait(0.0)
    waiting.close()
    wake(tmp_path / "server" / "wake")


CLIENT = Path(hook_client.__file__)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", path], check=True)
    return path


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpareHook]:
    monkeypatch.setattr(module, "IDLE", 0.0)
    (tmp_path / "server").mkdir()
    spare = SpareHook(tmp_path / "server", tmp_path / "log")
    yield spare
    spare.close()


def waiting(spare: SpareHook) -> subprocess.Popen[bytes]:
    """Its process, when that waits for a hook."""
    spare.keep()
    process = spare._process
    assert process is not None
    while not (spare._folder / hook_client.SOCKET).exists():
        assert process.poll() is None, spare._log.read_text()
        time.sleep(0.02)
    return process


def call(folder: Path, *arguments: str, given: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The client, as a hook runs it."""
    command = [sys.executable, "-I", "-S", str(CLIENT), str(folder), *arguments]
    return subprocess.run(command, input=given, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.counterpart
def test_a_hook_is_done_by_the_process_that_waits(hooks: SpareHook, tmp_path: Path, bare: Path) -> None:
    process = waiting(hooks)
    zeros = "0" * 40
    done = call(tmp_path / "server", "--home", str(tmp_path), "hook", given=f"{zeros} {zeros} refs/heads/x\n", cwd=bare)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert process.wait(120) == 0
    hooks.keep()
    assert hooks._process is not process
    assert call(tmp_path / "server").returncode in (0, hook_client.UNTAKEN)  # the next one waits, or not yet


@pytest.mark.counterpart
def test_output_exit_code_folder_and_variables_are_those_of_the_hook(
    hooks: SpareHook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(hooks)
    monkeypatch.setenv("SHIPWAY_HOME", str(tmp_path / "given"))
    done = call(tmp_path / "server", "init", "--hook", "here.git", cwd=tmp_path)
    assert done.returncode == 2
    assert f"there is no folder {tmp_path}/here.git" in done.stderr
    waiting(hooks)
    assert call(tmp_path / "server", "apps", cwd=tmp_path).returncode == 0
    assert (tmp_path / "given" / "ledger.db").exists()


@pytest.mark.counterpart
def test_a_hook_that_no_process_takes_is_told(hooks: SpareHook, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    assert call(folder).returncode == hook_client.UNTAKEN
    process = waiting(hooks)
    process.kill()  # its socket stays
    process.wait()
    assert (folder / hook_client.SOCKET).is_socket()
    done = call(folder, "apps", given="unread")
    assert (done.returncode, done.stdout, done.stderr) == (hook_client.UNTAKEN, "", "")


@pytest.mark.counterpart
def test_the_process_ends_with_the_server_and_takes_nothing_for_another_version(
    hooks: SpareHook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = waiting(hooks)
    hooks.close()
    assert process.wait(120) == 0
    assert list((tmp_path / "server").iterdir()) == []
    monkeypatch.setattr(spare_hook, "changed_at", iter([1.0, 2.0]).__next__)
    monkeypatch.setattr(spare_hook, "LOADED", ())
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115
    monkeypatch.setattr(spare_hook.select, "select", lambda readable, *others: (readable[:1], [], []))
    monkeypatch.setattr(spare_hook, "_work", lambda connection: pytest.fail("taken"))
    here = Path.cwd()
    found: list[int] = []
    caller = threading.Thread(target=lambda: found.append(_called(tmp_path / "server")))
    caller.start()
    try:
        spare_hook.main(tmp_path / "server")
    finally:
        os.chdir(here)
    caller.join()
    assert found == [hook_client.UNTAKEN]


def _called(folder: Path) -> int:
    while not (folder / hook_client.SOCKET).exists():
        time.sleep(0.02)
    return call(folder, "apps").returncode


@pytest.mark.counterpart
def test_a_push_needs_nothing_that_the_processes_have_not_loaded(tmp_path: Path) -> None:
    """Importing it would take longer than all else before the first step."""
    code = """
import importlib, sys
from shipway.cli import spare_hook, worker
for name in {*worker.LOADED}:
    importlib.import_module(name)
from shipway.planfile import parse
before = set(sys.modules)
parse("app: x\\nservices: {web: {image: a}}\\npipeline: {one: {image: a, run: b}}\\n", "shipway.yaml")
print(sorted(name for name in set(sys.modules) - before if name.startswith(("shipway", "ruamel"))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_another_user_is_given_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        monkeypatch.setattr(spare_hook.os, "getuid", lambda: 4242)
        theirs.sendall(b"\0\0\0\0")
        assert spare_hook._given(ours) is None
        assert ours.recv(4) == b"\0\0\0\0"  # it was not even read
