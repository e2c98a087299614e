"""The process that waits for a push, and how who waits is woken."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from shipway.server import spare as module
from shipway.server.spare import Spare
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
