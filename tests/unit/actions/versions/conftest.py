"""A shop for each test, in a git that no configuration of this machine changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.actions.versions.shop import Shop

Make = Callable[..., Shop]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes one."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    made: list[Shop] = []

    def make_one(**how: object) -> Shop:
        made.append(Shop(tmp_path, monkeypatch, **how))  # type: ignore[arg-type]
        return made[-1]

    yield make_one
    for shop in made:
        shop.world.close()


@pytest.fixture
def shop(make: Make) -> Shop:
    """With a remote, and without a changelog."""
    return make()
