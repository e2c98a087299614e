"""What a comparison of two PostgreSQL schemas sees: the kinds of objects, their properties, and the pairs that show it.

A pair of `tests/migrations` covers what its `differs` lines name: a property that changed, or that an object is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.pairs import Pair, load_pairs

EXISTENCE = ""  # not a property: that the object is there
_RELATION = "owner, privileges, comment"
_TYPE = "owner, privileges, comment"
# By kind, as a catalog names its properties.
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    kind: tuple(names.split(", ")) if names else ()
    for kind, names in {
        "table": "persistence, partitioned by, bounds, inherits, row security, options, toast options, of type, tablespace, access method, "
        f"replica identity, clustered by, {_RELATION}",
        "column": "type, null, default, generated, identity, collation, storage, compression, statistics target, options, server options, "
        "inherited, privileges, comment",
        "constraint": "type, columns, definition, inherited, checked when, attached to, valid, index options, index tablespace, "
        "index comment, comment",
        "index": "unique, columns, definition, valid, attached to, statistics targets, tablespace, comment",
        "view": f"columns, definition, options, {_RELATION}",
        "materialized view": f"columns, definition, options, toast options, populated, tablespace, access method, clustered by, {_RELATION}",
        "sequence": f"type, start, increment, minimum, maximum, cache, cycle, persistence, owned by, {_RELATION}",
        "trigger": "definition, enabled, inherited, comment",
        "rule": "definition, enabled, comment",
        "policy": "command, mode, roles, using, check, comment",
        "foreign table": f"server, server options, bounds, inherits, {_RELATION}",
        "statistics": "definition, target, owner, comment",
        "schema": "owner, privileges, comment",
        "enum": f"labels, {_TYPE}",
        "domain": f"type, null, default, collation, {_TYPE}",
        "composite type": f"attributes, {_TYPE}",
        "range": f"definition, {_TYPE}",
        "type": f"base, {_TYPE}",
        "function": "definition, owner, privileges, comment",
        "procedure": "definition, owner, privileges, comment",
        "aggregate": "aggregate, owner, privileges, comment",
        "cast": "function, context, method, comment",
        "operator": "function, commutator, negator, restrict, join, hashes, merges, owner, comment",
        "operator class": "type, default, storage, family, operators, functions, owner, comment",
        "operator family": "operators, functions, owner, comment",
        "access method": "type, handler, comment",
        "collation": "provider, deterministic, locale, rules, owner, comment",
        "conversion": "encodings, function, default, owner, comment",
        "language": "trusted, handler, inline, validator, owner, privileges, comment",
        "transform": "from sql, to sql, comment",
        "text search configuration": "parser, mappings, owner, comment",
        "text search dictionary": "template, options, owner, comment",
        "text search parser": "functions, comment",
        "text search template": "init, lexize, comment",
        "foreign-data wrapper": "handler, validator, options, owner, privileges, comment",
        "foreign server": "wrapper, type, version, options, owner, privileges, comment",
        "user mapping": "options",
        "extension": "version, schema, owner, comment",
        "extension dependency": "",
        "event trigger": "event, function, tags, enabled, owner, comment",
        "publication": "tables, filters, columns, schemas, publishes, options, owner, comment",
        "subscription": "publications, connection, slot, enabled, options, owner, comment",
        "default privileges": "privileges",
        "privileges": "privileges",
        "large objects": "number, privileges, comment",
        "security label": "label",
        "database": "connection limit, owner, privileges, comment",
        "settings": "settings",
        "role": "attributes, connection limit, valid until, member of, settings, comment",
        "tablespace": "location, options, owner, privileges, comment",
        "parameter": "privileges",
    }.items()
}
# What a property is, where its name doesn't say it; for one kind, or for all.
WORDS: Mapping[tuple[str, str], str] = {
    ("table", "options"): "storage parameters",
    ("", "toast options"): "storage parameters of its TOAST table",
    ("", "clustered by"): "index of CLUSTER",
    ("", "bounds"): "bounds as a partition",
    ("", "inherits"): "parents",
    ("table", "of type"): "type of a typed table",
    ("column", "null"): "NOT NULL; in version 18 its name too, unless PostgreSQL chose it, NO INHERIT and NOT VALID",
    ("column", "generated"): "generated: stored or virtual, and the expression",
    ("column", "options"): "options (`n_distinct`)",
    ("column", "server options"): "options of a foreign table's column",
    ("foreign table", "server options"): "options",
    ("column", "inherited"): "inherited or its own",
    ("constraint", "inherited"): "inherited or its own",
    ("trigger", "inherited"): "inherited from the partitioned table or its own",
    (
        "constraint",
        "definition",
    ): "definition, with DEFERRABLE, NOT VALID, NO INHERIT, NULLS NOT DISTINCT, NOT ENFORCED, WITHOUT OVERLAPS, PERIOD",
    ("constraint", "checked when"): "whether its triggers are enabled",
    ("constraint", "valid"): "whether its index is valid",
    ("constraint", "index options"): "storage parameters of its index",
    ("constraint", "index tablespace"): "tablespace of its index",
    ("constraint", "index comment"): "comment on its index",
    ("", "attached to"): "attached to that of the partitioned table",
    ("index", "definition"): "definition, with its storage parameters",
    ("index", "statistics targets"): "statistics targets of its expressions",
    ("view", "options"): "options (`security_barrier`, `security_invoker`, `check_option`)",
    ("materialized view", "options"): "storage parameters",
    ("materialized view", "populated"): "whether it is filled",
    ("sequence", "owned by"): "owning column",
    ("role", "connection limit"): "connection limit",
    ("", "enabled"): "enabled",
    ("domain", "null"): "NOT NULL; since version 17 its name too, unless PostgreSQL chose it",
    ("range", "definition"): "subtype, operator class, collation, functions, name of the multirange",
    ("type", "base"): "all properties of a base type; whether it is only declared",
    ("function", "definition"): "definition: body and all attributes",
    ("procedure", "definition"): "definition: body and all attributes",
    ("aggregate", "aggregate"): "arguments, functions, states and all attributes",
    ("operator class", "storage"): "storage type",
    ("collation", "locale"): "locale (LC_COLLATE and LC_CTYPE)",
    ("", "restrict"): "selectivity function",
    ("operator", "join"): "selectivity function for joins",
    ("user mapping", "options"): "options; of all but the user's name only a digest is printed",
    ("publication", "filters"): "filters of rows",
    ("publication", "columns"): "lists of columns",
    ("publication", "options"): "via the partition root, generated columns",
    ("subscription", "connection"): "connection, of which only a digest is printed",
    ("privileges", EXISTENCE): "on objects that came with the server or an extension",
    ("large objects", EXISTENCE): "by owner",
    ("security label", EXISTENCE): "on objects of the database",
    ("settings", EXISTENCE): "of the database (`ALTER DATABASE … SET`) and of all roles",
    ("extension dependency", EXISTENCE): "DEPENDS ON EXTENSION",
    ("type", EXISTENCE): "base types",
    ("statistics", EXISTENCE): "CREATE STATISTICS",
    (
        "column",
        EXISTENCE,
    ): "also what a column of a view or an attribute of a type has of its own: default, privileges, comment",
}
_NOT_CLONED = "a subscription is not copied with its database: before the up migration there is none"
# Compared, and why no pair shows it.
WITHOUT_PAIR: Mapping[tuple[str, str], str] = {
    ("extension", "owner"): "no statement changes it",
    ("tablespace", "location"): "it can't be changed, and a pair has no folder on the server",
    **{("subscription", name): _NOT_CLONED for name in PROPERTIES["subscription"]},
}
# What the catalogs aren't asked for, but `pg_dump` writes.
DUMPED: Mapping[tuple[str, str], str] = {
    ("column", "privileges on columns of the server's own tables and views"): "",
    (
        "column",
        "name of a NOT NULL constraint that ends with `_not_null`",
    ): "PostgreSQL chose it, from an earlier name of the table",
}
NOT_COMPARED: Mapping[tuple[str, str], str] = {
    ("role", "password"): "each hash of the same password differs",
    ("role", "security labels"): "also of the database and of tablespaces: of the whole server",
    ("database", "encoding, locale, tablespace, whether it is a template"): "those of the scratch database",
    ("collation", "version"): "of the library on the scratch server",
    ("large objects", "content"): "neither schema nor rows",
    ("extension", "changes to its members"): "their version determines them, apart from privileges",
    ("schema", "objects and comments in `pg_catalog` and `information_schema`"): "a dump leaves them out as well",
    ("operator family", "members added to the server's own"): "a dump leaves them out as well",
    ("table", "statistics of its content, a pending DETACH CONCURRENTLY"): "states, not schema",
    ("materialized view", "its rows"): "made from tables, whose rows are compared",
    ("subscription", "replication slots and origins"): "states of the server",
}
_DIFFERENCE = re.compile(r"(?P<name>.*) (?P<change>added|removed|changed)(?:: (?P<facets>.*))?")


def coverage(pairs: list[Pair] | None = None) -> dict[tuple[str, str], list[str]]:
    """Names of pairs by kind and property."""
    found: dict[tuple[str, str], list[str]] = {}
    for pair in load_pairs() if pairs is None else pairs:
        for line in pair.all("differs"):
            for point in covered(line):
                names = found.setdefault(point, [])
                if pair.name not in names:
                    names.append(pair.name)
    return found


def covered(line: str) -> Iterator[tuple[str, str]]:
    """What a `differs` line names."""
    kind = max((kind for kind in PROPERTIES if line.startswith(f"{kind} ")), key=len)
    match = _DIFFERENCE.fullmatch(line.removeprefix(f"{kind} "))
    assert match, line
    for name in (match["facets"] or EXISTENCE).split(", "):
        yield kind, name


def rows() -> Iterator[str]:
    """The rows of the page's table: kind, property, and how it is compared."""
    shown = coverage()
    for kind, names in PROPERTIES.items():
        for name in (EXISTENCE, *names):
            if (kind, name) != ("database", EXISTENCE):
                yield f"| {kind} | {_words(kind, name)} | compared {_shown_by(shown.get((kind, name), []), WITHOUT_PAIR.get((kind, name), ''))} |"
        for (of, name), why in DUMPED.items():
            if of == kind:
                yield f"| {kind} | {name} | seen by the comparison of dumps only{f': {why}' if why else ''} |"
        for (of, name), why in NOT_COMPARED.items():
            if of == kind:
                yield f"| {kind} | {name} | not compared: {why} |"


def _words(kind: str, name: str) -> str:
    words = WORDS.get((kind, name)) or (name and WORDS.get(("", name))) or name
    return words if name != EXISTENCE else f"*exists*: {words}" if (kind, name) in WORDS else "*exists*"


def _shown_by(pairs: list[str], reason: str) -> str:
    if not pairs:
        return f"(no pair: {reason})"
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    return f"({', '.join(f'`{pair}`' for pair in pairs[:3])}{more})"
