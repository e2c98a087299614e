"""Scratch databases on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.sqlite import SqliteScratch
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


class TestSqlite(ScratchSuite):
    @pytest.fixture
    def scratch(self, tmp_path: Path) -> Scratch:
        return SqliteScratch(tmp_path)

    @pytest.fixture
    def name(self) -> Callable[[str], str]:
        return lambda name: name

    @pytest.fixture
    def settings(self, tmp_path: Path) -> str:
        return (
            "from pathlib import Path\nfrom shipway.drivers.scratch.sqlite import SqliteScratch\n"
            f"scratch = SqliteScratch(Path({str(tmp_path)!r}))"
        )

    @pytest.fixture
    def slow(self) -> str:
        return "CREATE TABLE many AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"
