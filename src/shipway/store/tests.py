"""Single tests of runs."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.errors import StoreError
from shipway.domain.single_test import FAILED, FLAKY, PASSED, SingleTest, SingleTestTrend, StepTest
from shipway.store.database import Database, Row

RUNS = 200  # the newest ones of an app, of which tests are kept
MOST = 20_000  # tests of a run
AT_ONCE = 50  # rows of a statement
FIELDS = ("name", "suite", "file", "outcome", "seconds", "message", "output")
COLUMNS = ("run", "step", "attempt", "place", "app", "tree", "started", *FIELDS)
KEY = "step, file, suite, name"
SAME = "p.app = f.app AND p.tree = f.tree AND p.step = f.step AND p.name = f.name AND p.suite = f.suite AND p.file = f.file"
BOTH = f"""(f.outcome = '{FLAKY}' OR (f.outcome = '{FAILED}' AND EXISTS (SELECT 1 FROM tests p WHERE {SAME} AND p.outcome = '{PASSED}')))"""


class SqlTests:
    """Implements ports.SingleTestLedger."""

    _db: Database

    def add_tests(self, run: int, step: str, attempt: int, tests: Sequence[SingleTest]) -> None:
        """One transaction. StoreError on a disk that is almost full: what remains is for the records of a rollback."""
        if not self._db.has_room():
            raise StoreError(f"the disk of the ledger {self._db.name} is almost full: tests are not kept")

        def add() -> None:
            known = self._db.query("SELECT app, tree, started FROM runs WHERE id = ?", (run,))
            if not known:
                return
            app, tree, started = known[0]
            old = "SELECT COALESCE(MIN(id), 0) FROM (SELECT id FROM runs WHERE app = ? ORDER BY id DESC LIMIT ?) AS newest"
            self._db.query(f"DELETE FROM tests WHERE app = ? AND run < ({old})", (app, app, RUNS))
            self._db.query("DELETE FROM tests WHERE run = ? AND step = ? AND attempt = ?", (run, step, attempt))
            ((count,),) = self._db.query("SELECT COUNT(*) FROM tests WHERE run = ?", (run,))
            rows = [
                (run, step, attempt, place, app, tree, started, *(getattr(test, name) for name in FIELDS))
                for place, test in enumerate(tests[: max(0, MOST - int(count))])
            ]
            for begin in range(0, len(rows), AT_ONCE):
                part = rows[begin : begin + AT_ONCE]
                places = ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * len(part))
                sql = f"INSERT INTO tests ({', '.join(COLUMNS)}) VALUES {places}"
                self._db.query(sql, [value for row in part for value in row])

        self._db.write(add)

    def tests(self, run: int) -> list[StepTest]:
        """By the primary key."""
        sql = f"SELECT step, attempt, {', '.join(FIELDS)} FROM tests WHERE run = ? ORDER BY step, attempt, place"
        return [StepTest(row[0], int(row[1]), SingleTest(*row[2:])) for row in self._db.query(sql, (run,))]

    def unstable_tests(self, app: str, tree: str) -> list[tuple[str, str, str, str]]:
        """From those that failed, which are few."""
        sql = f"SELECT DISTINCT {KEY} FROM tests f WHERE app = ? AND tree = ? AND {BOTH} ORDER BY {KEY}"
        return [(row[0], row[1], row[2], row[3]) for row in self._db.query(sql, (app, tree))]

    def failed_tests(self, app: str, tree: str, step: str) -> list[tuple[str, str, str]]:
        """By the index of names."""
        sql = f"""SELECT DISTINCT file, suite, name FROM tests WHERE app = ? AND tree = ? AND step = ?
          AND outcome IN ('{FAILED}', '{FLAKY}') ORDER BY file, suite, name"""
        return [(row[0], row[1], row[2]) for row in self._db.query(sql, (app, tree, step))]

    def slow_tests(self, app: str, since: float, limit: int) -> list[SingleTestTrend]:
        """One pass over those that passed."""
        sql = f"""SELECT step, name, suite, file, COUNT(*), 0, AVG(seconds), 0 FROM tests
          WHERE app = ? AND outcome = '{PASSED}' AND started >= ? GROUP BY {KEY} ORDER BY 7 DESC, 1, 2 LIMIT ?"""
        return [_trend(row) for row in self._db.query(sql, (app, since, limit))]

    def flaky_tests(self, app: str, since: float, limit: int) -> list[SingleTestTrend]:
        """From those that failed; their other figures one by one."""
        sql = f"""SELECT step, name, suite, file, COUNT(DISTINCT tree) FROM tests f
          WHERE app = ? AND outcome IN ('{FAILED}', '{FLAKY}') AND started >= ? AND {BOTH}
          GROUP BY {KEY} ORDER BY 5 DESC, 1, 2 LIMIT ?"""
        more = f"""SELECT SUM(CASE WHEN outcome = '{PASSED}' THEN 1 ELSE 0 END),
          SUM(CASE WHEN outcome IN ('{FAILED}', '{FLAKY}') THEN 1 ELSE 0 END),
          COALESCE(AVG(CASE WHEN outcome = '{PASSED}' THEN seconds END), 0) FROM tests
          WHERE app = ? AND started >= ? AND step = ? AND name = ? AND suite = ? AND file = ?"""
        found = []
        for step, name, suite, file, flaky in self._db.query(sql, (app, since, limit)):
            figures = self._db.query(more, (app, since, step, name, suite, file))[0]
            found.append(_trend((step, name, suite, file, *figures, flaky)))
        return found


def _trend(row: Row) -> SingleTestTrend:
    step, name, suite, file, passed, failed, mean, flaky = row
    return SingleTestTrend(step, name, suite, file, int(passed), int(failed), float(mean), int(flaky))
