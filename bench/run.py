"""`make bench`: prints one table and writes bench/results.json, a list of {name, value, unit, goal, holds, theme}.

Ratios compare with a floor or a peer in the same run, since machines differ. A goal is the maximum of a value; rows
without a goal are for comparison.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.measure import Row  # noqa: E402

MODULES = (
    "startup",
    "dev",
    "decide",
    "every_day",
    "pipeline",
    "deploy",
    "lossless",
    "held",
    "peers",
    "on_swarm",
    "on_kubernetes",
    "edges",
    "kills",
    "ledger",
    "cdn",
    "backups",
    "launch",
    "server",
    "pushes",
    "proof",
    "random_migrations",
)  # one file per theme; each has `rows()`


def main(chosen: list[str]) -> int:
    """Run the named themes, or all; only a run of all replaces the whole file. The exit code is the number of missed
    goals."""
    themes: dict[str, list[Row]] = {}
    for name in chosen or MODULES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        themes[name] = importlib.import_module(f"bench.{name}").rows()
    rows = [row for found in themes.values() for row in found]
    width = max(len(row.name) for row in rows)
    for row in rows:
        goal = "" if row.goal is None else f"≤ {row.goal:g}"
        mark = {True: "✓", False: "✗", None: " "}[row.holds]
        print(f"{mark} {row.name.ljust(width)}  {row.value:10.2f} {row.unit:<8} {goal}")
    results = ROOT / "bench" / "results.json"
    before = json.loads(results.read_text()) if chosen and results.exists() else []
    data = [row for row in before if row["theme"] not in themes]  # keep the other themes' rows
    data += [{**row.data(), "theme": name} for name, found in themes.items() for row in found]
    results.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    return sum(row.holds is False for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
