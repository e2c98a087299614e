"""Shared parts of the catalog queries.

Every query returns one row per object: `kind`, `name`, and a column for each facet, NULL without a value. Names are
qualified by their schema and quoted if needed; the session's search_path is empty, so that PostgreSQL's own functions
qualify theirs too.
"""

from __future__ import annotations

_SECRET = "pass|pwd|secret|token|key|credential|conninfo"  # names of options
FIRST = 16384  # objects with a smaller oid came with the server
PEOPLES = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'"


def qualified(name: str, schema: str = "n.nspname") -> str:
    return f"quote_ident({schema}) || '.' || quote_ident({name})"


def owner(oid: str) -> str:
    return f"pg_get_userbyid({oid}) AS owner"


def comment(catalog: str, oid: str) -> str:
    return f"obj_description({oid}, '{catalog}') AS comment"


def shared_comment(catalog: str, oid: str) -> str:
    """Of an object of the whole server."""
    return f"shobj_description({oid}, '{catalog}') AS comment"


def privileges(acl: str, sign: str, owner: str) -> str:
    """Omits the defaults of the object's kind and owner. `sign` as in acldefault."""
    return f"CASE WHEN {acl} IS NOT NULL THEN nullif({grants(acl)}, {grants(f'acldefault({sign}, {owner})')}) END AS privileges"


def grants(acl: str) -> str:
    return f"coalesce((SELECT string_agg(item::text, ', ' ORDER BY item::text) FROM unnest({acl}) item), 'nobody')"


def options(array: str, public: str = "") -> str:
    """Items `name=value` in the order of their names: each SET moves one to the end. A value is replaced by a digest if it may be
    a secret: by its name, or with `public` unless its name matches that pattern."""
    secret = f"option_name !~* '{public}'" if public else f"option_name ~* '{_SECRET}'"
    value = f"CASE WHEN {secret} THEN {digest('option_value')} ELSE option_value END"
    return (
        f"CASE WHEN {array} IS NOT NULL THEN (SELECT string_agg(concat_ws('=', option_name, {value}), ', ' ORDER BY option_name)"
        f" FROM pg_options_to_table({array})) END"
    )


def digest(value: str) -> str:
    """Of a secret, to be compared with others on the same server only: a dictionary of passwords would need its identifier."""
    identifier = "(SELECT system_identifier FROM pg_control_system())"
    return f"'sha256:' || left(encode(sha256(convert_to({identifier} || {value}, 'UTF8')), 'hex'), 12)"


def function(oid: str) -> str:
    """Its name with the types of its arguments."""
    return f"nullif({oid}::oid, 0)::regprocedure::text"


def not_of_extension(catalog: str, oid: str, *, nor_of_another: bool = False) -> str:
    """With `nor_of_another`, also excludes what PostgreSQL creates along with another object: a range's functions and
    casts."""
    kinds = "'e', 'i'" if nor_of_another else "'e'"
    return (
        f"NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_catalog.{catalog}'::regclass AND x.objid = {oid}"
        f" AND x.deptype IN ({kinds}))"
    )


def not_null_name(name: str) -> str:
    """The name of a NOT NULL constraint, unless PostgreSQL chose it: that one depends on what the table was called before."""
    return f"CASE WHEN {name} ~ '_not_null[0-9]*$' THEN '' ELSE coalesce(' ' || quote_ident({name}), '') END"
