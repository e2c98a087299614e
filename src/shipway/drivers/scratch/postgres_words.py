"""Parts that the catalog queries have in common.

Every query gives a row an object: `kind`, `name`, and a column for each facet, NULL where there is none. Names are
qualified by their schema and quoted where they need it; the session's search_path is empty, so that PostgreSQL's own
functions qualify theirs too.
"""

from __future__ import annotations

FIRST = 16384  # what has a smaller oid came with the server
PEOPLES = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'"


def qualified(name: str, schema: str = "n.nspname") -> str:
    return f"quote_ident({schema}) || '.' || quote_ident({name})"


def owner(oid: str) -> str:
    return f"pg_get_userbyid({oid}) AS owner"


def comment(catalog: str, oid: str) -> str:
    return f"obj_description({oid}, '{catalog}') AS comment"


def privileges(acl: str, sign: str, owner: str) -> str:
    """Only where they aren't those that every object of its kind and owner begins with. `sign` as in acldefault."""
    return (
        f"CASE WHEN {acl} IS NOT NULL THEN nullif({_sorted(acl)}, {_sorted(f'acldefault({sign}, {owner})')}) END AS privileges"
    )


def _sorted(acl: str) -> str:
    return f"coalesce((SELECT string_agg(item::text, ', ' ORDER BY item::text) FROM unnest({acl}) item), 'nobody')"


def not_of_extension(catalog: str, oid: str, *, nor_of_another: bool = False) -> str:
    """With `nor_of_another`, nor made by PostgreSQL together with something else: a range's functions and casts."""
    kinds = "'e', 'i'" if nor_of_another else "'e'"
    return (
        f"NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_catalog.{catalog}'::regclass AND x.objid = {oid}"
        f" AND x.deptype IN ({kinds}))"
    )
