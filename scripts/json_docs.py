"""Generate docs/json.md from the types of the commands' outputs: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src")]

from shipway.cli.json_outputs import page  # noqa: E402

if __name__ == "__main__":
    (ROOT / "docs" / "json.md").write_text(page(), encoding="utf-8")
