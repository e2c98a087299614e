"""The duration of queries on a ledger of a million rows."""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import Row
from shipway.domain.record import to_data
from shipway.store import open_ledger
from shipway.testing.ledger.samples import RELEASE

APPS, ENVIRONMENTS, DEPLOYMENTS = 15, ("staging", "production"), 5000  # deployments of each environment
EVIDENCE = 3  # rows for each deployment, besides its outcome, approval, run and step
GOAL = 50.0  # ms


def rows() -> list[Row]:
    """The queries of decisions and of `history`, each as the median of five."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        open_ledger(path).close()
        total = fill(path)
        ledger = open_ledger(path)
        questions: dict[str, Callable[[], object]] = {
            "the current deployment": lambda: ledger.current("app-3", "production"),
            "pending deployments": lambda: ledger.pending("app-3", "production"),
            "the whole history of an environment": lambda: ledger.history("app-3", "production"),
            "a release by its version": lambda: ledger.version("app-3", "v1.0.77"),
            "approvals of a release": lambda: ledger.approvals("app-3", "production", 77),
            "the 50 newest deployments": lambda: ledger.deployments("app-3", None, 50),
            "pending runs": lambda: ledger.pending_runs("app-3"),
        }
        found = [Row(f"ledger of {total:,} rows: {name}", median(ask), "ms", GOAL) for name, ask in questions.items()]
        ledger.close()
    return found


def median(ask: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    took = []
    for _ in range(5):
        started = time.process_time()
        ask()
        took.append((time.process_time() - started) * 1000)
    return statistics.median(took)


def fill(path: Path) -> int:
    """Insert rows by SQL: through the ledger it would take an hour."""
    connection = sqlite3.connect(path)
    data = json.dumps(to_data(RELEASE))
    count = 0
    for index in range(APPS):
        app = f"app-{index}"
        numbers = range(1, DEPLOYMENTS + 1)
        many = connection.executemany
        many(
            "INSERT INTO releases (app, number, tree, data) VALUES (?, ?, ?, ?)",
            ((app, n, f"tree-{n}", data) for n in numbers),
        )
        many("INSERT INTO runs (app, revision, tree, kind, ref, actor, started, outcome) VALUES (?, 'r', 't', 'push', 'x', 'a', 1, 'succeeded')",
             ((app,) for _ in numbers))  # fmt: skip
        for environment in ENVIRONMENTS:
            first = connection.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM deployments").fetchone()[0]
            many("INSERT INTO deployments (app, environment, release, kind, actor, reason, started, secrets, way) VALUES (?, ?, ?, 'deploy', 'a', 'r', 1, '{}', '')",
                 ((app, environment, n) for n in numbers))  # fmt: skip
            many(
                "INSERT INTO outcomes VALUES (?, ?, 2, ?, '')",
                ((first + n, "failed" if n % 7 else "succeeded", f"{n // 10:04}") for n in range(DEPLOYMENTS)),
            )
            many("INSERT INTO approvals (app, environment, release, digest, actor, reason, at) VALUES (?, ?, ?, 'd', 'eve', '', 1)",
                 ((app, environment, n) for n in numbers))  # fmt: skip
            many("INSERT INTO evidence (app, release, environment, kind, name, passed, detail, at) VALUES (?, ?, ?, ?, ?, 1, '', 1)",
                 ((app, n, environment, kind, f"v1.0.{n}") for n in numbers for kind in ("version", "check", "tests")))  # fmt: skip
            count += DEPLOYMENTS * (3 + EVIDENCE)
        count += 2 * DEPLOYMENTS
    connection.commit()
    connection.close()
    return count
