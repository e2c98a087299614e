"""Shared parts of the catalog queries.

Every query returns one row per object: `kind`, `name`, and a column for each facet, NULL without a value. Names are
qualified by their schema and quoted if needed; the session's search_path is empty, so that PostgreSQL's own functions
qualify theirs too.
"""

from __future__ import annotations

FIRST = 16384  # objects with a smaller oid came with the server
PEOPLES = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'"


def qualified(name: str, schema: str = "n.nspname") -> str:
    return f"quote_ident({schema}) || '.' || quote_ident({name})"


def owner(oid: str) -> str:
    return f"pg_get_userbyid({oid}) AS owner"


def comment(catalog: str, oid: str) -> str:
    return f"obj_description({oid}, '{catalog}') AS comment"


def privileges(acl: str, sign: str, owner: str) -> str:
    """Omits the defaults of the object's kind and owner. `sign` as in acldefault."""
    return f"CASE WHEN {acl} IS NOT NULL THEN nullif({_sorted(acl)}, {_sorted(f'acldefault({sign}, {owner})')}) END AS privileges"


def _sorted(acl: str) -> str:
    return f"coalesce((SELECT string_agg(item::text, ', ' ORDER BY item::text) FROM unnest({acl}) item), 'nobody')"


def not_of_extension(catalog: str, oid: str, *, nor_of_another: bool = False) -> str:
    """With `nor_of_another`, also excludes what PostgreSQL creates along with another object: a range's functions and
    casts."""
    kinds = "'e', 'i'" if nor_of_another else "'e'"
    return (
        f"NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_catalog.{catalog}'::regclass AND x.objid = {oid}"
        f" AND x.deptype IN ({kinds}))"
    )
