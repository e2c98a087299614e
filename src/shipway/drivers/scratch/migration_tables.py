"""Exclude the migration history tables of migration tools, which are not part of the application's schema."""

from __future__ import annotations

from collections.abc import Iterable

from shipway.domain.catalog import Catalog, Entry
from shipway.drivers.migration_tables import is_migration_table


def without_migration_tables(entries: Iterable[Entry], order: dict[str, tuple[str, ...]]) -> Catalog:
    """A catalog without these tables and what belongs to them: a column or index names its table in `on`, a sequence in
    `owned by`."""
    kept: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        tables = [entry.name] if entry.kind == "table" else []
        tables += [entry.facets["on"]] if "on" in entry.facets else []
        tables += [entry.facets["owned by"].rpartition(".")[0]] if "owned by" in entry.facets else []
        if not any(is_migration_table(table) for table in tables):
            kept[entry.kind, entry.name] = entry
    return Catalog(kept, {table: columns for table, columns in order.items() if not is_migration_table(table)})
