"""The output of a container: whole, or cut with a line that says so; and nothing that goes wrong with it is lost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shipway.context import Context
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import EngineError, StepFailed
from shipway.steps import container as module
from shipway.steps.container import Enough, capture, run_container
from shipway.steps.log import StepLog
from shipway.testing.memory import Behaviour
from tests.unit.world import World

SPEC = ContainerSpec("shop_step", "postgres:15", {})


class Slow:
    """A runtime whose output comes slower than its container ends."""

    def __init__(
        self, runtime: Any, lines: Sequence[str], *, pause: float = 0.0, error: Exception | None = None
    ) -> None:
        self._runtime, self._lines, self._pause, self._error = runtime, lines, pause, error
        self.given = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        for line in self._lines:
            time.sleep(self._pause)
            self.given += 1
            yield line
        if self._error:
            raise self._error


def context(folder: Path, lines: Sequence[str], **how: Any) -> tuple[Context, Slow]:
    world = World(folder)
    world.have("postgres:15")
    world.runtime.behave("*", Behaviour(exit_code=0))
    ctx = world.controller()
    slow = Slow(ctx.runtime, lines, **how)
    return dataclasses.replace(ctx, machine=dataclasses.replace(ctx.machine, runtime=slow)), slow  # type: ignore[arg-type]


def test_output_that_comes_after_the_end_is_waited_for(tmp_path: Path) -> None:
    ctx, _ = context(tmp_path, [str(number) for number in range(40)], pause=0.04)
    lines: list[str] = []
    assert run_container(ctx, SPEC, on_line=lines.append, timeout=60) == 0
    assert lines == [str(number) for number in range(40)]


def test_output_that_stops_coming_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALLED", 1.0)
    ctx, _ = context(tmp_path, ["a", "b"], pause=3.0)
    lines: list[str] = []
    assert run_container(ctx, SPEC, on_line=lines.append, timeout=60) == 0
    assert lines == ["(the output is incomplete: the Docker Engine sent no more of it for 1 s)"]
    ctx, _ = context(tmp_path / "other", ["a"], error=EngineError("the engine is away"))
    lines.clear()
    run_container(ctx, SPEC, on_line=lines.append, timeout=60)
    assert lines == ["a", "(the output is incomplete: the engine is away)"]


def test_a_line_that_can_not_be_kept_fails_the_step(tmp_path: Path) -> None:
    ctx, _ = context(tmp_path, ["a"])

    def full(line: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run_container(ctx, SPEC, on_line=full, timeout=60)
    assert ctx.runtime.list({}) == []


def test_a_log_that_is_full_says_so_and_no_more_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.steps.log.LARGEST", 100)
    ctx, slow = context(tmp_path / "home", ["0123456789"] * 50)
    shown: list[str] = []
    with StepLog(tmp_path / "step.log", str, shown.append) as log:
        assert run_container(ctx, SPEC, on_line=log.follow, timeout=60) == 0
        log.say("`x` exited with 0")
        log.cut()
        log.line("of the next attempt")
    kept = (tmp_path / "step.log").read_text().splitlines()
    assert kept[:9] == ["0123456789"] * 9
    assert kept[9].startswith("(the output is truncated here: only its first")
    assert kept[10:] == ["`x` exited with 0", "of the next attempt"]
    assert shown == kept
    assert slow.given < 15


def test_a_full_log_that_another_process_goes_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.steps.log.LARGEST", 60)
    for resumed_at in (None, 0, 0):
        with StepLog(tmp_path / "step.log", str, lambda line: None, resumed_at=resumed_at) as log:
            try:
                for number in range(20):
                    log.follow(f"line {number}")
            except Enough:
                pass
    kept = (tmp_path / "step.log").read_text().splitlines()
    assert [line[:4] for line in kept].count("(the") == 1
    assert kept[:-1] == [f"line {number}" for number in range(len(kept) - 1)]


def test_what_is_read_as_a_whole_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CAPTURED", 50)
    ctx, _ = context(tmp_path, ["0123456789"] * 4)
    assert capture(ctx, SPEC, timeout=60)[0] == 0
    ctx, _ = context(tmp_path / "other", ["0123456789"] * 50)
    with pytest.raises(StepFailed, match="is larger than"):
        capture(ctx, SPEC, timeout=60)
