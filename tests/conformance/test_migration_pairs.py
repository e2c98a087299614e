"""No false verdict: every pair of `tests/migrations` is walked on a real PostgreSQL, with its rows and with generated ones.

How a pair is written: see `tests/pairs.py`. What is expected of its differences and losses is all that may be found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from shipway.domain.proof import DATA, SCHEMA, Way
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.proving.rounds import Span
from shipway.proving.rows import fill
from shipway.proving.walk import walk
from tests.conformance.scratch_lab import postgres
from tests.pairs import VERSION, Pair, load_pairs, write_difference, write_loss

pytestmark = pytest.mark.engine
ROLES = ("pair_reader", "pair_writer")
FIRST = Migration("1", "before", SqlFile("before.up.sql", "SELECT 1"), None)
PAIRS = load_pairs()
# Without rows and with generated ones only where rows make a difference: the others would tell nothing new.
ROWS_MATTER = [pair for pair in PAIRS if pair.sections.get("rows")]
Walked = Mapping[tuple[str, str], Future[Way]]


@pytest.fixture(scope="module")
def walked() -> Iterator[Walked]:
    """All ways, walked two at a time while the tests wait for the one that they need."""
    with postgres() as (_, url):
        with psycopg.connect(url, autocommit=True) as connection:
            for role in ROLES:
                connection.execute(f"CREATE ROLE {role}".encode())
        scratch = PostgresScratch(url)
        with ThreadPoolExecutor(2) as pool:
            yield {
                **{(DATA, pair.name): pool.submit(_with_rows, scratch, pair) for pair in PAIRS},
                **{(SCHEMA, pair.name): pool.submit(_without_rows, scratch, pair) for pair in ROWS_MATTER},
            }
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_pair_with_its_rows(walked: Walked, pair: Pair) -> None:
    way = walked[DATA, pair.name].result()
    assert (way.verdict, way.triage) == (pair.verdict, pair.one("triage")), way.reasons
    assert [write_difference(item) for item in way.differences] == pair.all("differs")
    assert [write_loss(loss) for loss in way.losses] == pair.all("lost")
    assert pair.one("reason") in " ".join(way.reasons)
    assert pair.one("warns") in " ".join(way.warnings)
    assert bool(way.warnings) == bool(pair.one("warns"))
