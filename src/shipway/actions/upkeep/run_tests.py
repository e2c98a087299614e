"""The single tests of a run."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.run import RunRecord
from shipway.domain.single_test import RunTest, of_run


def run_tests(ctx: Context, run: RunRecord) -> list[RunTest]:
    """Failures first, then those that failed and passed with the same files, in this run or in others; then the slowest."""
    found = ctx.ledger.tests(run.number)
    return of_run(found, ctx.ledger.unstable_tests(run.app, run.tree)) if found else []
