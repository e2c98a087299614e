"""A shop for each test, in a git that no configuration of this machine changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.actions.versions.shop import Shop

Make = Callable[..., Shop]


@pytest.fixture(scope="session")
def models() -> Iterator[dict[str, Shop]]:
    """Those that tests copy, by how they were made."""
    made: dict[str, Shop] = {}
    yield made
    for shop in made.values():
        shop.world.close()


@pytest.fixture
def make(
    models: dict[str, Shop], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    """Makes one."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    made: list[Shop] = []

    def make_one(**how: Any) -> Shop:
        key = repr(sorted(how.items()))
        if key not in models:
            models[key] = Shop.create(tmp_path_factory.mktemp("shop"), **how)
        made.append(models[key].copy(tmp_path, monkeypatch))
        return made[-1]

    yield make_one
    for shop in made:
        shop.world.close()


@pytest.fixture
def shop(make: Make) -> Shop:
    """With a remote, and without a changelog."""
    return make()
