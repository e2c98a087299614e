"""One process cares, whoever comes later calls it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from shipway.system import caretaker as module
from shipway.system.caretaker import caretaker

LONG = 3600.0


def test_whoever_comes_later_wakes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIES", 2)
    with caretaker(tmp_path, "shop_staging") as first:
        assert first is not None
        asleep = threading.Thread(target=first.sleep, args=(LONG,), daemon=True)
        asleep.start()
        with caretaker(tmp_path, "shop_staging") as second:
            assert second is None
        asleep.join(60)
        assert not asleep.is_alive()


def test_a_call_while_it_works_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIES", 1)
    with caretaker(tmp_path, "shop_staging") as first:
        assert first is not None
        with caretaker(tmp_path, "shop_staging"):
            pass
        first.sleep(LONG)  # it returns
        assert not first.called()


def test_a_call_is_heard_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after the last look: whoever has the place asks before it leaves."""
    monkeypatch.setattr(module, "TRIES", 1)
    with caretaker(tmp_path, "shop_staging") as first:
        assert first is not None
        assert not first.called()
        with caretaker(tmp_path, "shop_staging") as second:
            assert second is None
        assert [first.called(), first.called()] == [True, False]


def test_each_environment_has_one(tmp_path: Path) -> None:
    with caretaker(tmp_path, "shop_staging") as one, caretaker(tmp_path, "shop_production") as other:
        assert one is not None
        assert other is not None


def test_its_place_is_free_when_it_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with caretaker(tmp_path, "shop_staging") as first:
            assert first is not None
            began = time.monotonic()
            first.sleep(0.01)
            assert time.monotonic() - began >= 0.01
