"""The schema of a PostgreSQL database, read from pg_catalog in two round trips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from shipway.domain.catalog import Catalog, Entry
from shipway.drivers.scratch.postgres_granted import GRANTED
from shipway.drivers.scratch.postgres_objects import object_queries
from shipway.drivers.scratch.postgres_rare import rare_queries
from shipway.drivers.scratch.postgres_server import rare_of_server, server_queries
from shipway.drivers.scratch.postgres_session import Connection
from shipway.drivers.scratch.postgres_tables import RARE_OF_TABLES, table_queries


def read_catalog(connection: Connection) -> Catalog:
    """Excludes members of extensions, which an extension's version determines."""
    entries: list[Entry] = []
    order: dict[str, list[str]] = {}
    queries = catalog_queries(connection)
    with connection.pipeline():
        cursors = [connection.execute(query.encode(), prepare=True) for query in queries]
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


def catalog_queries(connection: Connection, *, every: bool = False) -> Sequence[str]:
    """Without those of kinds that the database has nothing of, unless `every` one is asked for."""
    always, rare = _queries(connection.info.server_version)
    there = (
        connection.execute(f"SELECT {', '.join(condition for condition, _ in rare)}".encode(), prepare=True).fetchone()
        or ()
    )
    return (*always, *(query for (_, query), found in zip(rare, there, strict=True) if found or every))


@lru_cache
def _queries(version: int) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
    """The queries for a server's version number; with conditions those of rare kinds."""
    always = (*table_queries(version), *object_queries(version), *server_queries(version), GRANTED)
    return always, (*RARE_OF_TABLES, *rare_queries(version), *rare_of_server(version))
