"""Estimates for statements of the up migrations that lock a table for a time that grows with its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.errors import ShipwayError
from shipway.domain.proof import Growth
from shipway.domain.server_log import Costly, TableSize
from shipway.proving.server import Server
from shipway.proving.template import Target
from shipway.system.redact import shortened

WORTH = 0.1  # seconds: shorter estimates are left out
WIDTH = 300  # characters of a statement


def table_sizes(target: Target) -> Mapping[str, TableSize]:
    """Sizes of the tables of the environment's database; empty if they can't be read: estimates are only informative."""
    try:
        code, output = target.ask("tables")
    except ShipwayError:
        return {}
    return target.driver.table_sizes(output) if code == 0 else {}


def frequent_statements(target: Target, count: int) -> tuple[Sequence[str], str]:
    """The statements that run most often in the environment, and why there are none."""
    try:
        code, output = target.ask("statements", str(count))
    except ShipwayError as error:
        code, output = 1, error.message
    found = target.driver.frequent(output) if code == 0 else ()
    if found:
        return found, ""
    why = output.strip().splitlines()[0] if output.strip() else "none is recorded"
    return (), f"no statements of {target.environment} were repeated: {why}"


def growth(server: Server, found: Sequence[Costly], sizes: Mapping[str, TableSize]) -> tuple[Growth, ...]:
    """Estimates by the rates that the scratch server reaches now, longest first."""
    concerned = [item for item in found if item.relation in sizes]
    if not concerned:
        return ()
    database = server.scratch.create()
    rates = server.driver.rates(database)
    server.scratch.drop(database)
    return estimated(concerned, sizes, rates)


def estimated(
    found: Sequence[Costly], sizes: Mapping[str, TableSize], rates: Mapping[str, float]
) -> tuple[Growth, ...]:
    """Estimates that are worth a warning, longest first. rates: bytes per second, by work."""
    made = []
    for item in found:
        size = sizes[item.relation]
        text = item.statement if len(item.statement) <= WIDTH else f"{shortened(item.statement, WIDTH)} …"
        seconds = size.bytes / rates[item.work]
        made.append(Growth(item.relation, size.rows, size.bytes, item.work, item.lock, seconds, text, item.advice))
    return tuple(sorted((item for item in made if item.seconds >= WORTH), key=lambda one: -one.seconds))
