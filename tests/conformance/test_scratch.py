"""Scratch databases on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.ports import Scratch
from shipway.testing.scratch import ScratchSuite
from tests.conformance.scratch_lab import postgres


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    with postgres() as found:
        yield found


@pytest.mark.engine
class TestPostgres(ScratchSuite):
    @pytest.fixture
    def scratch(self, server: tuple[str, str]) -> Scratch:
        return PostgresScratch(server[1])

    @pytest.fixture
    def name(self) -> Callable[[str], str]:
        return lambda name: f"public.{name}"

    @pytest.fixture
    def settings(self, server: tuple[str, str]) -> str:
        return f"from shipway.drivers.scratch.postgres import PostgresScratch\nscratch = PostgresScratch({server[1]!r})"

    @pytest.fixture
    def slow(self) -> str:
        return "SELECT pg_sleep(20)"
