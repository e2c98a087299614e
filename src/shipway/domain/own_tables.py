"""The tables that a migration tool keeps in a database for itself."""

from __future__ import annotations

from shipway.domain.catalog import Catalog, Entry
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class OwnTables:
    """Names of tables, without a schema: in whatever schema they are."""

    history: frozenset[str] = frozenset()  # which migrations are applied: not part of the application's schema
    kept: frozenset[str] = frozenset()  # part of the schema, but the tool adds rows by itself when it migrates

    def is_history(self, table: str) -> bool:
        """Whether a table, named as in a catalog, is the tool's migration history."""
        return _bare(table) in self.history

    def is_kept(self, table: str) -> bool:
        return _bare(table) in self.kept

    def without_history(self, catalog: Catalog) -> Catalog:
        """A catalog without the migration history and what belongs to it: a column or index names its table in `on`, a
        sequence in `owned by`."""
        if not any(self.is_history(table) for table in catalog.order):
            return catalog
        return Catalog(
            {key: entry for key, entry in catalog.entries.items() if not any(map(self.is_history, _tables(entry)))},
            {table: columns for table, columns in catalog.order.items() if not self.is_history(table)},
        )


@dataclass
class OwnTablesCache:
    """Shared by the tools of one image or folder: only the first one has to find the tables out."""

    found: OwnTables | None = None


def _tables(entry: Entry) -> list[str]:
    """The tables that an entry is, or belongs to."""
    found = [entry.name] if entry.kind == "table" else []
    found += [entry.facets["on"]] if "on" in entry.facets else []
    return found + ([entry.facets["owned by"].rpartition(".")[0]] if "owned by" in entry.facets else [])


def _bare(table: str) -> str:
    return table.rpartition(".")[2].strip('"`')
