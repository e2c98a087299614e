"""Pushes that a worker runs: they wait for each other, and neither the pusher nor a process that dies stops one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.queue import SUPERSEDED, Push
from shipway.domain.release import FAILED, SUCCEEDED
from tests.system.conftest import Make
from tests.system.tiny import Running, Tiny, soon

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
SLOW = {"checks": {"run": "if [ -e slow.sh ]; then sh slow.sh; fi"}}


@pytest.fixture(scope="module")
def shop(make: Make) -> Iterator[Tiny]:
    """Its bare repository has the hook, and a worker waits."""
    project = make()
    project.write({"slow.sh": "true\n"})
    project.pipeline(**SLOW)
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("remote", "add", "origin", str(project.remote))
    project.shipway("init", "--hook", str(project.remote))
    project.protect()
    worker = project.start("worker")
    worker.until("works on the queue")
    yield project
    worker.press_ctrl_c()
    worker.end()


def push(project: Tiny, *refs: str) -> subprocess.Popen[str]:
    """A push under way."""
    return subprocess.Popen(
        ["git", "push", "--quiet", "origin", *refs], cwd=project.clone, env=project.env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def pushes(project: Tiny) -> list[Push]:
    """Newest first."""
    ledger = project.ledger()
    found = ledger.pushes()
    ledger.close()
    return found


def workers(project: Tiny, option: str = "--push") -> list[int]:
    """The processes that work on a push of this project, or have another option."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if "--spare" in words and (folder / "comm").read_text().startswith("push "):
                words.append("--push")  # it has one
        except OSError:
            continue
        if option in words and str(project.home) in words:
            found.append(int(folder.name))
    return found


def test_a_push_is_run_and_its_output_comes_back(shop: Tiny) -> None:
    shop.change("two")
    pushing = push(shop, "main", "staging")
    output, _ = pushing.communicate(timeout=200)
    assert pushing.returncode == 0, output
    assert re.search(r"push \d+ of refs/heads/staging is queued", output), output
    assert "deploy" in output, output
    assert shop.answer() == "two"
    assert {item.outcome for item in pushes(shop)} == {SUCCEEDED}
    shown = shop.git("push", "origin", "staging").output
    assert "Everything up-to-date" in shown


def test_a_push_that_fails_says_why(shop: Tiny) -> None:
    before = shop.git("rev-parse", "HEAD").output.strip()
    shop.change("broken", files={"slow.sh": "echo it is broken; exit 3\n"})
    pushing = push(shop, "staging")
    output, _ = pushing.communicate(timeout=100)
    assert "it is broken" in output
    assert "error:" in output
    [last, *_] = pushes(shop)
    assert last.outcome == FAILED
    assert "checks" in last.note
    shop.undo(before)
    shop.git("push", "--quiet", "--force", "origin", "staging")
    assert shop.answer() == "two"


def test_who_disconnects_stops_nothing(shop: Tiny) -> None:
    shop.change("three", files={"slow.sh": "sleep 3\n"})
    before = pushes(shop)[0].id
    pushing = push(shop, "staging")
    soon(lambda: pushes(shop)[0].id > before and workers(shop), 90)  # the last one's process may be about to end
    os.killpg(pushing.pid, signal.SIGKILL)
    pushing.communicate()
    soon(lambda: pushes(shop)[0].ended, 90)
    assert pushes(shop)[0].outcome == SUCCEEDED
    assert shop.answer() == "three"


def test_a_process_that_dies_is_replaced(shop: Tiny) -> None:
    shop.change("four", files={"slow.sh": "sleep 6\n"})
    before = pushes(shop)[0].id
    pushing = push(shop, "staging")
    soon(lambda: pushes(shop)[0].id > before and workers(shop), 90)  # the last one's process may be about to end
    time.sleep(1)
    for process in workers(shop):
        os.kill(process, signal.SIGKILL)
    output, _ = pushing.communicate(timeout=200)
    assert pushing.returncode == 0, output
    [last, *_] = pushes(shop)
    assert (last.outcome, last.token) == (SUCCEEDED, 2)
    assert shop.answer() == "four"


def test_a_worker_that_ends_leaves_what_runs_and_the_next_one_goes_on(shop: Tiny) -> None:
    shop.change("five", files={"slow.sh": "sleep 4\n"})
    other = Running(shop, "worker")
    other.until("is locked by", seconds=30)  # one at a time
    before = pushes(shop)[0].id
    pushing = push(shop, "staging")
    soon(lambda: pushes(shop)[0].id > before and workers(shop), 90)  # the last one's process may be about to end
    other.press_ctrl_c()
    assert other.end().code == 0
    output, _ = pushing.communicate(timeout=200)
    assert pushing.returncode == 0, output
    assert shop.answer() == "five"


def test_newer_pushes_replace_those_that_wait(shop: Tiny) -> None:
    ledger = shop.ledger()
    ref, elsewhere = (
        "refs/heads/staging",
        ("elsewhere",),
    )  # what is worked on there holds the lane as long as the test wants
    ledger.enqueue(Push("held", str(shop.remote), *elsewhere, ref, "0" * 40, "1" * 40, "", "a test", "", 0.0))
    held = ledger.claim_push("a test", elsewhere, 300)
    assert held is not None
    shop.change("seven")
    second = push(shop, "staging")
    soon(lambda: pushes(shop)[0].id > held.id, 90)
    shop.change("eight")
    third = push(shop, "staging")
    superseded, _ = second.communicate(timeout=250)
    assert third.poll() is None
    assert ledger.end_push(held, SUCCEEDED)
    ledger.close()
    output, _ = third.communicate(timeout=250)
    third_push, second_push = pushes(shop)[:2]
    assert (second_push.outcome, third_push.outcome) == (SUPERSEDED, SUCCEEDED), output
    assert f"superseded by push {third_push.id}" in superseded
    assert shop.answer() == "eight"
