"""A parsed plan as JSON, so that commands that only need the plan don't parse YAML."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from shipway.domain.plan import Plan
from shipway.domain.record import from_data, to_data


def read(path: Path) -> Plan | None:
    """The plan stored by `write`; None if it is missing or damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return from_data(Plan, data) if isinstance(data, dict) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write(path: Path, plan: Plan) -> None:
    """Atomic. Failing to write the cache is no error: the next command parses again."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(to_data(plan)), encoding="utf-8")
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
