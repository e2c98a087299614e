"""The verdict of random migrations agrees with what `pg_dump` and plain SQL see: 200 of them in the usual run, always the
same; 2,000 others with FULL=1, and more in `bench/random_migrations.py`.

A failure prints a schema and a migration, reduced to a few statements, and the seed of `tests.random_migrations.example`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from shipway.domain.proof import COLUMN_ORDER, DATA_LOST, FAILS, IRREVERSIBLE, NOT_RESTORED, RESTORED
from tests.matrix import FULL
from tests.random_check import REJECTED, Checker, checking
from tests.random_migrations import MIGRATIONS, Example, examples

pytestmark = [pytest.mark.databases, pytest.mark.engine]
SCHEMAS = 400 if FULL else 40


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with checking(thorough=FULL) as found:
        yield found


@pytest.mark.timeout(3600 if FULL else 600)
def test_verdicts_agree_with_the_dumps(checker: Checker) -> None:
    """And few migrations are rejected, and every verdict is among them."""
    verdicts: Counter[str] = Counter()

    @settings(
        max_examples=SCHEMAS, deadline=None, derandomize=not FULL, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(case=examples())
    def check(case: Example) -> None:
        for outcome in checker.check(case):
            verdicts[outcome.verdict] += 1
            assert outcome.agrees, f"seed {case.seed}\n{checker.reduce(outcome).text}"

    check()
    total = verdicts.total()
    assert total >= 0.9 * SCHEMAS * MIGRATIONS, verdicts
    assert verdicts[REJECTED] < 0.3 * total, verdicts
    for verdict in (RESTORED, COLUMN_ORDER, DATA_LOST, NOT_RESTORED, IRREVERSIBLE, FAILS):
        assert verdicts[verdict] >= 0.02 * total, verdicts
