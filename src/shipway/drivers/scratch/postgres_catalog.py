"""The schema of a PostgreSQL database, read from pg_catalog in one round trip."""

from __future__ import annotations

from shipway.domain.catalog import Catalog, Entry
from shipway.drivers.scratch.postgres_objects import OBJECTS
from shipway.drivers.scratch.postgres_session import Connection
from shipway.drivers.scratch.postgres_tables import table_queries


def read_catalog(connection: Connection) -> Catalog:
    """Excludes members of extensions, which an extension's version determines."""
    entries: list[Entry] = []
    order: dict[str, list[str]] = {}
    with connection.pipeline():
        cursors = [connection.execute(query.encode(), prepare=True) for query in _queries(connection)]
    for cursor in cursors:
        names = [column.name for column in cursor.description or ()]
        for row in cursor:
            facets = {name: str(value) for name, value in zip(names, row, strict=True) if value not in (None, "")}
            kind, name, column = facets.pop("kind"), facets.pop("name"), facets.pop("position", None)
            entries.append(Entry(kind, name, facets))
            if column is not None:
                order.setdefault(facets["on"], []).append(column)
    return Catalog(
        {(entry.kind, entry.name): entry for entry in entries},
        {table: tuple(columns) for table, columns in order.items()},
    )


def _queries(connection: Connection) -> tuple[str, ...]:
    return (*table_queries(connection.info.server_version), *OBJECTS)
