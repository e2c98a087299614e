"""What is remembered of checkouts, their names, and who runs one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipway.actions.development import checkouts
from shipway.domain.errors import LeaseHeld


def root(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


def test_a_checkout_keeps_its_name_and_its_port(tmp_path: Path) -> None:
    one, two = root(tmp_path, "one"), root(tmp_path, "two")
    folder, state = checkouts.enter(tmp_path, "shop", one, "shipway.yaml", 9000)
    assert (state.checkout.host, state.checkout.port, state.checkout.secure) == ("shop.localhost", 9000, False)
    assert checkouts.enter(tmp_path, "shop", two, "shipway.yaml")[1].checkout.host == "two.shop.localhost"
    assert checkouts.enter(tmp_path, "shop", one, "shipway.yaml") == (folder, state)
    assert [item.checkout.host for _, item in checkouts.known(tmp_path)] == ["shop.localhost", "two.shop.localhost"]


def test_with_https_it_has_another_port(tmp_path: Path) -> None:
    one = root(tmp_path, "one")
    checkouts.enter(tmp_path, "shop", one, "shipway.yaml", 9000)
    assert (
        checkouts.enter(tmp_path, "shop", one, "shipway.yaml", secure=True)[1].checkout.url
        == "https://shop.localhost:8443"
    )
    assert checkouts.enter(tmp_path, "shop", one, "shipway.yaml")[1].checkout.secure


def test_the_name_of_a_removed_checkout_is_free_again(tmp_path: Path) -> None:
    one, two = root(tmp_path, "one"), root(tmp_path, "two")
    checkouts.enter(tmp_path, "shop", one, "shipway.yaml")
    one.rmdir()
    assert checkouts.enter(tmp_path, "shop", two, "shipway.yaml")[1].checkout.host == "shop.localhost"


def test_a_damaged_file_is_as_none(tmp_path: Path) -> None:
    folder, _ = checkouts.enter(tmp_path, "shop", root(tmp_path, "one"), "shipway.yaml")
    (folder / checkouts.STATE).write_text("{")
    assert checkouts.read(folder) is None
    assert checkouts.known(tmp_path) == []


def test_two_processes_can_not_run_it_and_the_second_learns_the_first(tmp_path: Path) -> None:
    assert checkouts.running(tmp_path) is None
    with checkouts.held(tmp_path):
        assert checkouts.running(tmp_path) == os.getpid()
        with pytest.raises(LeaseHeld, match=f"process {os.getpid()}"), checkouts.held(tmp_path):
            pass
    assert checkouts.running(tmp_path) is None


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom shipway.actions.development.checkouts import held\n"
        "with held(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    assert checkouts.running(tmp_path) == other.pid
    other.kill()
    other.wait()
    other.stdout.close()
    assert checkouts.running(tmp_path) is None
    with checkouts.held(tmp_path):
        pass
