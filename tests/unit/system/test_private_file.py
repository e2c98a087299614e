"""A file for secrets: private, and gone whatever happens."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shipway.system.private_file import PREFIX, private_file, remove_leftovers, write_private


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_it_is_private_and_removed_whatever_happens(tmp_path: Path, error: type[BaseException] | None) -> None:
    def work() -> None:
        with private_file("KEY=value\n", "staging.env", tmp_path) as file:
            assert file.read_bytes() == b"KEY=value\n"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
            (file.parent / ".staging.env.swp").write_text("an editor's copy")
            if error:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(error):
            work()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from shipway.system.private_file import private_file
with private_file("KEY=value", "staging.env", Path({str(tmp_path)!r})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.glob(f"{PREFIX}*")
    assert (left / "staging.env").read_text() == "KEY=value"
    with private_file("", "mine.env", tmp_path) as mine:
        assert not left.exists()
        remove_leftovers(tmp_path)
        assert mine.exists(), "a living process keeps its own"
        (tmp_path / f"{PREFIX}other").mkdir()  # without an owner: unknown
        remove_leftovers(tmp_path)
        assert (tmp_path / f"{PREFIX}other").exists()


def test_a_file_is_never_overwritten_nor_written_through_a_link(tmp_path: Path) -> None:
    write_private(tmp_path / "new", "KEY=value")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    for name in ("new", "link"):
        with pytest.raises(FileExistsError):
            write_private(tmp_path / name, "KEY=other")
    assert (tmp_path / "new").read_text() == "KEY=value"
    assert not (tmp_path / "elsewhere").exists()


def test_half_a_file_is_removed(tmp_path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limit[1]))  # as on a full disk
    try:
        with pytest.raises(OSError, match="File too large"):
            write_private(tmp_path / "new", "KEY=value\n" * 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []
