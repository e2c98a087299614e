"""No false verdict: every pair of `tests/migrations` is verified on a real PostgreSQL; those that are about rows also without
any, and with generated ones. The oldest and the newest version that Shipway supports verify a part of them, and the pairs that no
other version can run.

How a pair is written: see `tests/pairs.py`. Its differences and losses are all that may be found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

import psycopg
import pytest

from shipway.domain.proof import COLUMN_ORDER, DATA, DATA_LOST, RESTORED, ROWS, SCHEMA, MigrationReport
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch import postgres as postgres_driver
from shipway.drivers.scratch.names import new_name
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.postgres_catalog import catalog_queries
from shipway.drivers.scratch.postgres_database import PostgresDatabase
from shipway.drivers.scratch.postgres_reader import Reader
from shipway.ports import ScratchDatabase
from shipway.proving.round_trip import MigrationRange
from shipway.proving.verify import UNSEEN, verify
from tests.compared import PROPERTIES
from tests.conformance.scratch_lab import postgres
from tests.matrix import sample
from tests.pairs import VERSION, Pair, load_pairs, write_difference, write_loss

pytestmark = [pytest.mark.databases, pytest.mark.engine]
ROLES = ("pair_reader", "pair_writer")
BEFORE = Migration("1", "before", SqlFile("before.up.sql", "SELECT 1"), None)
USUAL, OLDEST, NEWEST = 15, 13, 18


@dataclass(frozen=True)
class Point:
    """A pair, the mode to verify it in, and the version of the server."""

    mode: str
    version: int
    pair: Pair

    def __str__(self) -> str:
        return self.pair.name if self.version == USUAL else f"{self.pair.name}-{self.version}"


def points(mode: str, pairs: list[Pair], share: float = 1.0) -> list[Point]:
    """On the usual version, and a few on the others: with those that the usual version can't run."""
    found = [Point(mode, USUAL, pair) for pair in sample((pair for pair in pairs if pair.runs_on(USUAL)), share)]
    for number, version in enumerate((OLDEST, NEWEST)):
        found += [Point(mode, version, pair) for pair in pairs if pair.runs_on(version) and not pair.runs_on(USUAL)]
        both = (pair for pair in pairs if pair.runs_on(version) and pair.runs_on(USUAL))
        found += [Point(mode, version, pair) for pair in sample(both, share / 12, number * 6)]
    return found


PAIRS = load_pairs()
# The others would tell nothing new without rows, or with other rows.
ABOUT_ROWS = [pair for pair in PAIRS if pair.verdict == DATA_LOST or pair.all("empty") or pair.all("generated")]
RESTORING = [pair for pair in PAIRS if pair.verdict in (RESTORED, COLUMN_ORDER) and "rows" in pair.sections]
WITH_THEIRS = points(DATA, PAIRS)
WITHOUT = points(SCHEMA, ABOUT_ROWS, 1 / 3)
GENERATED = points(ROWS, [pair for pair in PAIRS if pair in ABOUT_ROWS or pair in RESTORING], 1 / 3)
Verified = Callable[[Point], MigrationReport]


class Lane:
    """A server, which verifies one pair at a time: what a pair changes on the whole server, no other sees."""

    def __init__(self, url: str, connection: psycopg.Connection[tuple[object, ...]], pool: ThreadPoolExecutor) -> None:
        self._url, self._connection, self._pool = url, connection, pool
        self._scratch = PostgresScratch(url)
        for role in ROLES:
            self._execute(f"CREATE ROLE {role}")

    def start(self, point: Point) -> Future[MigrationReport]:
        return self._pool.submit(self._verify, point)

    def _verify(self, point: Point) -> MigrationReport:
        """Verify it from the schema before it. Locks are not watched: other tests cover them."""
        pair = point.pair
        try:
            with self._template(pair, rows=point.mode == DATA) as template:
                return verify(
                    self._scratch, template, lambda database: BareFolder(database, [BEFORE, pair.migration], BEFORE.version),
                    mode=point.mode, timeout=60.0, span=MigrationRange(BEFORE.version, (VERSION,)), watched=False,
                    fill=self._scratch.fill if point.mode == ROWS else None,
                )  # fmt: skip
        finally:
            if "after" in pair.sections:
                self._execute(pair.sections["after"])

    @contextmanager
    def _template(self, pair: Pair, *, rows: bool) -> Iterator[ScratchDatabase]:
        """The database before the migration. In memory, copying the files of a database is the quickest way to make one."""
        name = new_name()
        strategy = "STRATEGY file_copy" if self._connection.info.server_version >= 150000 else ""
        self._execute(f"CREATE DATABASE {name} TEMPLATE template0 {strategy}")
        url = urlsplit(self._url)._replace(path=f"/{name}").geturl()
        database = PostgresDatabase(name, url, self._url, Reader(self._url), empty=True)
        try:
            script = pair.sections["before"] + (pair.sections.get("rows", "") if rows else "")
            database.execute(script, transaction=pair.one("transaction") != "no")
            yield database
        finally:
            database.close()
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        self._connection.execute(statement.encode())


@contextmanager
def lane(version: int) -> Iterator[Lane]:
    with (
        postgres(version) as (_, url),
        psycopg.connect(url, autocommit=True) as connection,
        ThreadPoolExecutor(1) as pool,
    ):
        yield Lane(url, connection, pool)
        pool.shutdown(cancel_futures=True)  # if some were not needed


@pytest.fixture(scope="module")
def verified(request: pytest.FixtureRequest) -> Iterator[Verified]:
    """Returns a point's report. All that are selected are verified while the tests wait for the one that they need."""
    selected = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    wanted: list[Point] = [item.callspec.params["point"] for item in selected]
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres_driver, "SMALL", 0)  # clones copy files too
        versions = dict.fromkeys(point.version for point in wanted)
        lanes = {
            version: cycle([stack.enter_context(lane(version)) for _ in range(2 if version == USUAL else 1)])
            for version in versions
        }
        reports = {(point.mode, str(point)): next(lanes[point.version]).start(point) for point in wanted}
        yield lambda point: reports[point.mode, str(point)].result()


@pytest.mark.parametrize("point", WITH_THEIRS, ids=str)
def test_with_its_rows(verified: Verified, point: Point) -> None:
    report, pair = verified(point), point.pair
    assert report.verdict == pair.verdict, report.reasons
    assert [write_difference(item) for item in report.differences] == pair.all("differs")
    assert [write_loss(loss) for loss in report.losses] == pair.all("lost")
    assert pair.one("reason") in "\n".join(report.reasons)
    assert pair.one("warns") in "\n".join(report.warnings)
    assert bool(pair.one("warns")) == any("skipping" in warning for warning in report.warnings)
    assert not re.search("password=(?!sha256:)", "\n".join((*report.reasons, *report.triage_reasons)))
    if report.changes:
        assert report.triage == pair.one("triage"), report.triage_reasons


@pytest.mark.parametrize("point", WITHOUT, ids=str)
def test_without_rows(verified: Verified, point: Point) -> None:
    """What a comparison of schemas alone sees."""
    report = verified(point)
    assert report.verdict == point.pair.empty, report.reasons


@pytest.mark.parametrize("point", GENERATED, ids=str)
def test_with_generated_rows(verified: Verified, point: Point) -> None:
    report = verified(point)
    assert report.verdict == point.pair.generated, report.reasons
    assert bool(point.pair.one("unseen")) == any(UNSEEN in warning for warning in report.warnings)


def test_every_property_that_is_read_is_known() -> None:
    """So each has a pair, or a reason: see `tests/unit/test_compared.py`."""
    with postgres(NEWEST) as (_, url), psycopg.connect(url) as connection:
        for query in catalog_queries(connection, every=True):
            kinds = re.findall("(?:SELECT|THEN|ELSE) '([a-z -]+)'", query.partition(" AS kind")[0])
            known = {name for kind in kinds for name in PROPERTIES[kind]}
            found = {column.name for column in connection.execute(query.encode()).description or ()}
            assert found - {"kind", "name", "on", "position"} == known, kinds
