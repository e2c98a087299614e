"""Figures, counted in SQL that both databases know."""

from __future__ import annotations

from shipway.domain.insights import WEEK, Spread, StepWeek
from shipway.domain.release import DEPLOY, FAILED, ROLLBACK, SUCCEEDED
from shipway.store.database import Database

# Whole seconds, since a division of integers is rounded down in both.
IN_WEEK = f"(CAST({{0}} AS BIGINT) - ?) / {WEEK}"
HERE = "deployments d JOIN outcomes o ON o.deployment = d.id WHERE d.app = ? AND d.environment = ?"
# Of a query with the column `seconds`: their number, the median and the 90th percentile, by the nearest rank.
SPREAD = """SELECT COUNT(*), MAX(CASE WHEN place = (total + 1) / 2 THEN seconds END),
    MAX(CASE WHEN place = (total * 9 + 9) / 10 THEN seconds END) FROM (
    SELECT seconds, ROW_NUMBER() OVER (ORDER BY seconds) AS place, COUNT(*) OVER () AS total FROM ({0}) AS found
  ) AS ordered"""
LEAD = f"""SELECT made.finished - (SELECT MIN(started) FROM runs WHERE runs.app = releases.app AND runs.tree = releases.tree) AS seconds
  FROM (SELECT d.app, d.release, MIN(o.finished) AS finished FROM {HERE} AND d.kind = '{DEPLOY}' AND o.outcome = '{SUCCEEDED}'
    GROUP BY d.app, d.release) AS made JOIN releases ON releases.app = made.app AND releases.number = made.release
  WHERE made.finished >= ?"""
RESTORE = f"""SELECT finished - before AS seconds FROM (
    SELECT d.kind, o.finished, LAG(d.kind) OVER (ORDER BY d.id) AS kind_before, LAG(o.finished) OVER (ORDER BY d.id) AS before
    FROM {HERE} AND d.kind IN ('{DEPLOY}', '{ROLLBACK}') AND o.outcome = '{SUCCEEDED}'
  ) AS followed WHERE kind = '{ROLLBACK}' AND kind_before = '{DEPLOY}' AND finished >= ?"""

# Each name by a jump in the index, not by reading all steps. It begins with SELECT, as reads do.
NAMES = """SELECT name FROM (WITH RECURSIVE known(name) AS (SELECT MIN(name) FROM steps WHERE app = ?
    UNION ALL SELECT (SELECT MIN(name) FROM steps WHERE app = ? AND name > known.name) FROM known WHERE known.name IS NOT NULL
  ) SELECT name FROM known WHERE name IS NOT NULL) AS names"""


class SqlInsights:
    """Implements ports.InsightLedger."""

    _db: Database

    def deployment_weeks(self, app: str, environment: str, since: float) -> dict[int, tuple[int, int]]:
        """One query."""
        sql = f"""SELECT {IN_WEEK.format("o.finished")} AS week, SUM(CASE WHEN o.outcome = '{SUCCEEDED}' THEN 1 ELSE 0 END),
          SUM(CASE WHEN o.outcome = '{FAILED}' THEN 1 ELSE 0 END) FROM {HERE} AND d.kind = '{DEPLOY}' AND o.finished >= ? GROUP BY week"""
        rows = self._db.query(sql, (int(since), app, environment, since))
        return {int(week): (int(succeeded), int(failed)) for week, succeeded, failed in rows}

    def lead_times(self, app: str, environment: str, since: float) -> Spread:
        """One query; those whose runs are no longer known are left out."""
        sql = SPREAD.format(f"SELECT seconds FROM ({LEAD}) AS known WHERE seconds IS NOT NULL")
        return _spread(self._db.query(sql, (app, environment, since))[0])

    def restore_times(self, app: str, environment: str, since: float) -> Spread:
        """One query."""
        return _spread(self._db.query(SPREAD.format(RESTORE), (app, environment, since))[0])

    def step_weeks(self, app: str, since: float, weeks: int) -> list[StepWeek]:
        """One range of the index for each name and week: to sort all steps of a period would take four times as long."""
        sql = f"""SELECT SUM(CASE WHEN outcome = '{SUCCEEDED}' THEN 1 ELSE 0 END),
          SUM(CASE WHEN outcome = '{SUCCEEDED}' THEN finished - started ELSE 0 END), SUM(CASE WHEN outcome = '{FAILED}' THEN 1 ELSE 0 END)
          FROM steps WHERE app = ? AND name = ? AND started >= ? AND started < ? AND outcome IN ('{SUCCEEDED}', '{FAILED}')"""
        found = []
        for (name,) in self._db.query(NAMES, (app, app)):
            for week in range(weeks):
                begin = since + week * WEEK
                passed, seconds, failed = self._db.query(sql, (app, name, begin, begin + WEEK))[0]
                if passed or failed:
                    found.append(StepWeek(name, week, int(passed), float(seconds), int(failed)))
        return found

    def flaky_steps(self, app: str, since: float) -> dict[str, int]:
        """From those that failed, which are few."""
        sql = f"""SELECT failed.name, COUNT(DISTINCT failed.key) FROM steps AS failed
          WHERE failed.app = ? AND failed.started >= ? AND failed.outcome = '{FAILED}' AND EXISTS (
            SELECT 1 FROM steps AS passed WHERE passed.app = failed.app AND passed.name = failed.name AND passed.key = failed.key
            AND passed.outcome = '{SUCCEEDED}') GROUP BY failed.name"""
        return {name: int(count) for name, count in self._db.query(sql, (app, since))}


def _spread(row: tuple[int, float | None, float | None]) -> Spread:
    count, median, most = row
    return Spread(int(count), *(None if value is None else max(0.0, float(value)) for value in (median, most)))
