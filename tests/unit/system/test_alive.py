"""Whether the process that holds a lease has ended: a proof, or no answer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipway.actions.environment.locks import TTL, environment_lease
from shipway.domain.errors import LeaseHeld
from shipway.system import alive
from shipway.system.alive import is_gone, this_process
from tests.unit.world import World

SAYS = "from shipway.system.alive import this_process; print('ada@example.org', this_process(), flush=True); input()"


@contextmanager
def another(*before: str) -> Iterator[str]:
    """An owner that lives meanwhile."""
    command = [*before, sys.executable, "-c", SAYS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().rstrip("\n")
        process.communicate("\n")


def test_a_process_that_lives_and_ends() -> None:
    with another() as owner:
        assert re.fullmatch(r"ada@example\.org \(process \d+ on .+\) #[0-9a-f]{8}\.\d+", owner)
        assert not is_gone(owner)
    assert is_gone(owner)
    assert not is_gone(f"me {this_process()}")


def test_its_number_may_have_been_given_again() -> None:
    words, dot, started = this_process().rpartition(".")
    assert is_gone(f"{words}{dot}{int(started) - 1}")


@pytest.mark.parametrize("change", [
    lambda owner: owner.rpartition(" #")[0],  # nothing to prove it by
    lambda owner: owner.replace(" on ", " on another-"),
    lambda owner: re.sub("#.{8}", "#00000000", owner),  # before the machine was started, or in another container
    lambda owner: "somebody",
])  # fmt: skip
def test_of_others_nothing_is_known(change) -> None:  # type: ignore[no-untyped-def]
    with another() as owner:
        pass
    assert is_gone(owner)
    assert not is_gone(change(owner))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="namespaces are made by root only")
def test_a_process_of_another_container_on_this_machine() -> None:
    with another("unshare", "--pid", "--fork", "--mount-proc") as owner:
        assert "(process 1 on " in owner
        assert " #" in owner
    assert not is_gone(owner)
    with another("unshare", "--pid", "--fork") as owner:  # whose /proc shows other processes than its own
        assert " #" not in owner
    assert not is_gone(owner)


def test_what_proc_does_not_tell_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with another() as owner:
        pass
    monkeypatch.setattr(alive, "KERNEL", Path("/nonexistent"))
    assert " #" not in this_process()
    assert not is_gone(owner)


def test_its_lease_is_free_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    with another() as owner:
        world.ledger.acquire("shop/staging", owner, "a deployment", TTL)
        ctx = world.controller()
        with (
            pytest.raises(LeaseHeld, match=r"locked by ada@example\.org \(process \d+ on [^#]+\) since"),
            environment_lease(ctx, "shop", "staging", "mine"),
        ):
            pass
    with environment_lease(ctx, "shop", "staging", "mine"):
        held = world.ledger.lease("shop/staging")
        assert held is not None
        assert held.owner == ctx.owner
    after = world.ledger.lease("shop/staging")
    assert after is not None
    assert after.expires == 0
