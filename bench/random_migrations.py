"""Verdicts of random migrations that differ from what pg_dump and plain SQL see: 5,000 migrations with FULL=1, else 400."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter

from bench.measure import Row
from tests.random_check import REJECTED, checking
from tests.random_migrations import example

MIGRATIONS = 5000 if os.environ.get("FULL") else 400
FIRST = 1_000_000  # seed: other examples than the tests have
REJECTIONS = 30.0  # %: with more, the generator is no good


def rows() -> list[Row]:
    """All rows of this theme. Each disagreement is printed, reduced to a few statements."""
    found: Counter[str] = Counter()
    wrong, seed, begun = 0, FIRST, time.perf_counter()
    with checking(thorough=True) as checker:
        while found.total() < MIGRATIONS:
            for outcome in checker.check(example(seed)):
                found[outcome.verdict] += 1
                if not outcome.agrees:
                    wrong += 1
                    print(f"seed {seed}\n{checker.reduce(outcome).text}", file=sys.stderr)
            seed += 1
    taken = time.perf_counter() - begun
    return [
        Row(f"verdicts of {found.total()} random migrations that differ from dumps", wrong, "verdicts", 0),
        Row("random migrations whose up migration fails", 100 * found[REJECTED] / found.total(), "%", REJECTIONS),
        Row("a random migration, with both opinions", taken / found.total(), "s"),
    ]
