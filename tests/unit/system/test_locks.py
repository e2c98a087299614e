"""Locks between processes of one user: bounded, with the holder's name, ended by Ctrl-C, out of reach of other users."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shipway.domain.errors import Interrupted, LeaseHeld, StoreError
from shipway.system import locks
from shipway.system.locks import exclusive, private_folder


def test_one_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with exclusive(tmp_path / "lock", "the edge"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.005)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_the_holder_is_named_and_the_wait_is_bounded(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from shipway.system.locks import exclusive\nwith exclusive(Path(sys.argv[1]), 'x'): print(flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    with (
        pytest.raises(LeaseHeld, match=rf"the edge is locked by process {child.pid} since \d\d:\d\d:\d\d UTC"),
        exclusive(tmp_path / "lock", "the edge", wait=0.2),
    ):
        pass
    child.kill()
    child.communicate()
    with exclusive(tmp_path / "lock", "the edge", wait=0.2):  # who dies gives it back
        pass


def test_an_interrupt_ends_the_wait(tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with (
        exclusive(tmp_path / "lock", "the edge"),
        pytest.raises(Interrupted, match="waiting for the edge"),
        exclusive(tmp_path / "lock", "the edge", cancelled=cancelled),
    ):
        pass


def test_the_folder_is_of_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks.pwd, "getpwuid", lambda number: type("Entry", (), {"pw_dir": str(tmp_path)}))  # type: ignore[attr-defined]
    assert private_folder() == tmp_path / ".local" / "state" / "shipway"
    assert private_folder().stat().st_mode & 0o777 == 0o700


def test_without_a_home_a_folder_that_another_user_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks.pwd, "getpwuid", lambda number: type("Entry", (), {"pw_dir": "/proc/missing"}))  # type: ignore[attr-defined]
    monkeypatch.setattr(locks.tempfile, "gettempdir", lambda: str(tmp_path))  # type: ignore[attr-defined]
    assert private_folder() == tmp_path / f"shipway-{os.getuid()}"
    private_folder().rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"shipway-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="does not belong to you"):
        private_folder()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"), exclusive(tmp_path / "lock", "the edge"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_no_lock_is_in_a_folder_that_all_users_share() -> None:
    root = Path(locks.__file__).parent.parent
    found = [path.name for path in root.rglob("*.py") if "flock(" in path.read_text() or "LOCK_EX" in path.read_text()]
    assert sorted(found) == [
        "caretaker.py",
        "checkouts.py",
        "commands.py",
        "key.py",
        "locks.py",
        "origin.py",
        "sandbox.py",
    ], "the others are in the home"
