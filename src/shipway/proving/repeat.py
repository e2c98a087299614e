"""Run migrations a second time, where they seem not to be restored, to see what differs each time by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from shipway.domain.catalog import Catalog
from shipway.ports import DatabaseTool, ScratchDatabase
from shipway.proving.round_trip import MigrationRange, RoundTrip
from shipway.proving.stage import Terms, run
from shipway.proving.unstable import possibly_unstable, unstable, without

SECOND = 1.05  # after the first run, so that times differ even in names of whole seconds
Repeat = Callable[[], tuple[Catalog, Catalog] | None]
"""The catalogs after up and after down in another clone; None if the migrations fail there."""


def settled(found: RoundTrip, again: Repeat) -> RoundTrip:
    """Without differences that appear each time the migrations run. `again` runs them once more."""
    findings = found.findings
    suspicious = possibly_unstable(findings.differences) or possibly_unstable(findings.again)
    if (
        findings.again_failed
        or not suspicious
        or found.after is None
        or found.restored is None
        or (other := again()) is None
    ):
        return found
    up, down = unstable(found.after, other[0]), unstable(found.restored, other[1])
    kept = without(findings.differences, down, names=False)
    second = without(findings.again, up | down, names=True)
    dropped = [item for item in (*findings.differences, *findings.again) if item not in (*kept, *second)]
    if not dropped:
        return found
    names = ", ".join(dict.fromkeys(f"{item.kind} {item.name}" for item in dropped))
    note = f"differs each time the migrations run, and was not compared: {names}"
    return replace(found, findings=replace(findings, differences=kept, again=second), warnings=(*found.warnings, note))


def repeat(
    database: ScratchDatabase, tool: DatabaseTool, span: MigrationRange, terms: Terms
) -> tuple[Catalog, Catalog] | None:
    """See `Repeat`."""
    own = tool.own_tables()
    time.sleep(SECOND)
    _, failure = run("up", database, lambda on_line: tool.up(on_line, span.end), terms, own)
    if failure:
        return None
    after = own.without_history(database.catalog())
    _, failure = run("down", database, lambda on_line: tool.down(span.start, on_line), terms, own)
    return None if failure else (after, own.without_history(database.catalog()))
