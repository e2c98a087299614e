"""The test of a folder as JSON."""

from __future__ import annotations

import json

from shipway.domain.record import to_data
from shipway.proving.report.folder_results import FolderResults

FORMAT = 1  # increases when a key changes its meaning or is removed; new keys may be added at any time


def folder_json(results: FolderResults) -> str:
    """All reports, with every difference, loss, lock, notice and time."""
    found = {
        "format": FORMAT,
        "folder": results.folder, "layout": results.layout, "server": results.server,
        "at": results.at, "seconds": results.seconds, "error": results.error,
        "asked": results.requested, "walked": len(results.tested), "verdicts": results.counts(),
        "compatibility": results.compatibilities(), "names": dict(results.names),
        "ways": [to_data(report) for report in results.reports],
    }  # fmt: skip
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
