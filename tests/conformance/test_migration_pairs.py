"""No false verdict: every pair of `tests/migrations` is verified on a real PostgreSQL; those that are about rows also without
any, and with generated ones.

How a pair is written: see `tests/pairs.py`. Its differences and losses are all that may be found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from shipway.domain.proof import COLUMN_ORDER, DATA, DATA_LOST, RESTORED, ROWS, SCHEMA, MigrationReport
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.proving.round_trip import MigrationRange
from shipway.proving.verify import UNSEEN, verify
from tests.conformance.scratch_lab import postgres
from tests.matrix import sample
from tests.pairs import VERSION, Pair, load_pairs, write_difference, write_loss

pytestmark = [pytest.mark.databases, pytest.mark.engine]
ROLES = ("pair_reader", "pair_writer")
BEFORE = Migration("1", "before", SqlFile("before.up.sql", "SELECT 1"), None)
PAIRS = load_pairs()
# The others would tell nothing new without rows, or with other rows.
ALL_ABOUT_ROWS = [pair for pair in PAIRS if pair.verdict == DATA_LOST or pair.all("empty") or pair.all("generated")]
ABOUT_ROWS = sample(ALL_ABOUT_ROWS, 1 / 3)
WITH_ROWS = sample(
    [
        pair
        for pair in PAIRS
        if pair in ALL_ABOUT_ROWS or (pair.verdict in (RESTORED, COLUMN_ORDER) and "rows" in pair.sections)
    ],
    1 / 3,
)
Verified = Callable[[str, Pair], MigrationReport]


@pytest.fixture(scope="module")
def verified() -> Iterator[Verified]:
    """Returns a pair's report in a mode. Two pairs are verified at a time, while the tests wait for the one that they need."""
    with postgres() as (_, url), ThreadPoolExecutor(2) as pool:
        with psycopg.connect(url, autocommit=True) as connection:
            for role in ROLES:
                connection.execute(f"CREATE ROLE {role}".encode())
        scratch = PostgresScratch(url)
        wanted = [
            *((DATA, pair) for pair in PAIRS),
            *((SCHEMA, pair) for pair in ABOUT_ROWS),
            *((ROWS, pair) for pair in WITH_ROWS),
        ]
        reports: Mapping[tuple[str, str], Future[MigrationReport]] = {
            (mode, pair.name): pool.submit(verify_pair, scratch, pair, mode) for mode, pair in wanted
        }
        yield lambda mode, pair: reports[mode, pair.name].result()
        pool.shutdown(cancel_futures=True)  # if some were not needed


def verify_pair(scratch: PostgresScratch, pair: Pair, mode: str) -> MigrationReport:
    """Verify it from the schema before it. Locks are not watched: other tests cover them."""
    template = scratch.create()
    try:
        template.execute(pair.sections["before"] + (pair.sections.get("rows", "") if mode == DATA else ""))
        return verify(
            scratch, template, lambda database: BareFolder(database, [BEFORE, pair.migration], BEFORE.version),
            mode=mode, timeout=60.0, span=MigrationRange(BEFORE.version, (VERSION,)), watched=False, fill=scratch.fill if mode == ROWS else None,
        )  # fmt: skip
    finally:
        scratch.drop(template)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_with_its_rows(verified: Verified, pair: Pair) -> None:
    report = verified(DATA, pair)
    assert report.verdict == pair.verdict, report.reasons
    assert [write_difference(item) for item in report.differences] == pair.all("differs")
    assert [write_loss(loss) for loss in report.losses] == pair.all("lost")
    assert pair.one("reason") in "\n".join(report.reasons)
    assert pair.one("warns") in "\n".join(report.warnings)
    assert bool(pair.one("warns")) == any("skipping" in warning for warning in report.warnings)
    if report.changes:
        assert report.triage == pair.one("triage"), report.triage_reasons


@pytest.mark.parametrize("pair", ABOUT_ROWS, ids=lambda pair: pair.name)
def test_without_rows(verified: Verified, pair: Pair) -> None:
    """What a comparison of schemas alone sees."""
    report = verified(SCHEMA, pair)
    assert report.verdict == pair.empty, report.reasons


@pytest.mark.parametrize("pair", WITH_ROWS, ids=lambda pair: pair.name)
def test_with_generated_rows(verified: Verified, pair: Pair) -> None:
    report = verified(ROWS, pair)
    assert report.verdict == pair.generated, report.reasons
    assert bool(pair.one("unseen")) == any(UNSEEN in warning for warning in report.warnings)
