"""Compatibility of a schema change with code that knows the old schema: the image that a rollback deploys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW, Difference

LEVELS = (ADDITIVE, REVIEW, BREAKING)
Finding = tuple[str, str]  # compatibility and reason
NOTHING: Finding = (ADDITIVE, "")


def classify(changes: Sequence[Difference]) -> tuple[str, tuple[str, ...]]:
    """The worst compatibility of all changes, and the reasons: every change that isn't additive, worst first.

    Additive: old code is not affected. Review: it depends on the code or the data. Breaking: statements that worked
    fail or are rejected.
    """
    context = _Context(changes)
    found = [_judge(change, context) for change in changes if not context.part_of_another(change)]
    found.sort(key=lambda finding: -LEVELS.index(finding[0]))  # stable sort
    return (found[0][0] if found else ADDITIVE), tuple(why for level, why in found if level != ADDITIVE)


class _Context:
    """All other changes."""

    def __init__(self, changes: Sequence[Difference]) -> None:
        tables = {"table", "foreign table", "view", "materialized view"}
        self.new_columns = {
            change.name: change for change in changes if change.kind == "column" and change.change == "added"
        }
        self._new = {change.name for change in changes if change.kind in tables and change.change == "added"}
        self._gone = {change.name for change in changes if change.kind in tables and change.change == "removed"}
        self._gone_columns = {
            change.name for change in changes if change.kind == "column" and change.change == "removed"
        }

    def part_of_another(self, change: Difference) -> bool:
        """Whether it was added or dropped with its table or column, for which there is a separate change."""
        table = _side(change, "on")
        owner = _side(change, "owned by")
        if change.change == "added":
            return table in self._new or (change.kind == "sequence" and bool(owner))
        if change.change == "removed":
            with_column = any(name in self._gone_columns for name in (*_columns(change), owner))
            return (
                table in self._gone
                or (with_column and change.kind != "column")
                or owner.rpartition(".")[0] in self._gone
            )
        return False

    def on_new_columns(self, change: Difference) -> bool:
        """Whether a constraint or unique index covers only new columns, which old code leaves at a valid value: NULL,
        or a function's result."""
        columns = [self.new_columns.get(name) for name in _columns(change)]
        unique = change.kind == "index" or _side(change, "type") in {"unique", "primary key", "exclude"}
        constant = [
            c for c in columns if c and (text := _side(c, "default")) and "(" not in text and text.lower() != "null"
        ]
        return bool(columns) and None not in columns and not (unique and constant)


def _judge(change: Difference, context: _Context) -> Finding:
    if change.change == "added":
        judge = _ADDED.get(change.kind)
        return judge(change, context) if judge else NOTHING
    if change.change == "removed":
        level = REVIEW if change.kind in _LOOSENED else BREAKING
        return level, f"{change.kind} {change.name} removed"
    found = [_judge_facet(change, facet, *values) for facet, values in change.facets.items()]
    level, _ = max(found, key=lambda finding: LEVELS.index(finding[0]), default=NOTHING)
    return level, f"{change.kind} {change.name}: " + "; ".join(why for item, why in found if item == level)


def _added_column(change: Difference, _: _Context) -> Finding:
    filled = any(_side(change, facet) for facet in ("default", "generated", "identity"))
    if _side(change, "null") and not filled:
        return (
            BREAKING,
            f"column {change.name} added, not null and without a default: rows without a value are rejected",
        )
    return NOTHING


def _added_rule(change: Difference, context: _Context) -> Finding:
    """Judge an added constraint on a table's rows."""
    unique = _side(change, "unique") or _side(change, "type") in {"unique", "primary key"}
    if (change.kind == "index" and not unique) or context.on_new_columns(change):
        return NOTHING
    kind = _side(change, "type") or "unique"
    return REVIEW, f"{change.kind} {change.name} added ({kind}): rows that violate it are rejected"


def _added_action(change: Difference, _: _Context) -> Finding:
    return REVIEW, f"{change.kind} {change.name} added: it affects statements of the old code"


_ADDED: Mapping[str, Callable[[Difference, _Context], Finding]] = {
    "column": _added_column,
    "constraint": _added_rule,
    "index": _added_rule,
    **dict.fromkeys(
        ("trigger", "rule", "policy", "event trigger", "settings", "cast", "operator", "privileges"), _added_action
    ),
}
# Objects that code may do without, or depend on implicitly: ON CONFLICT, ON DELETE CASCADE, triggers, performance.
_LOOSENED = {
    "constraint", "index", "trigger", "rule", "policy", "event trigger", "statistics", "publication", "subscription", "default privileges",
    "settings", "privileges", "security label", "extension dependency",
}  # fmt: skip
_UNSEEN = {
    "comment", "storage", "compression", "statistics target", "statistics targets", "target", "options", "toast options", "tablespace",
    "clustered by", "attached to", "index options", "index tablespace", "index comment",
}  # fmt: skip
# What changes the effect of statements, on other kinds than tables, columns and indexes.
_EFFECTIVE_OPTIONS = {
    "view", "foreign-data wrapper", "foreign server", "user mapping", "text search dictionary", "publication", "subscription",
}  # fmt: skip


def _judge_facet(change: Difference, facet: str, before: str, after: str) -> Finding:
    """Judge one changed property of an object."""
    if facet in _UNSEEN and not (facet == "options" and change.kind in _EFFECTIVE_OPTIONS):
        return NOTHING
    judge = _FACETS.get((change.kind, facet)) or _FACETS.get(("", facet))
    if facet == "null" and change.facets.get("default", ("", ""))[1]:
        judge = None  # omitted values are filled in: only an explicit NULL is rejected
    level = judge(before, after) if judge else REVIEW
    return level, f"{facet} {before or '(none)'} → {after or '(none)'}"


_INTEGERS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "integer": 4, "bigint": 8}


def _type(before: str, after: str) -> str:
    """Wider types accept all previous values, but old code may read larger values than it expects."""
    old_rank, new_rank = _INTEGERS.get(before), _INTEGERS.get(after)
    if old_rank and new_rank and old_rank <= new_rank:
        return REVIEW
    text = re.compile(r"(?:character varying|varchar)(?:\((\d+)\))?|text")
    old, new = text.fullmatch(before), text.fullmatch(after)
    if old and new and (new[1] is None or (old[1] is not None and int(new[1]) >= int(old[1]))):
        return REVIEW
    return BREAKING


def _null(before: str, after: str) -> str:
    """NOT NULL that isn't validated for older rows yet (`not null, not valid`) applies to all new rows."""
    return ADDITIVE if before and after else BREAKING if after else REVIEW


def _default(before: str, after: str) -> str:
    return ADDITIVE if not before else REVIEW if after else BREAKING


def _identity(before: str, after: str) -> str:
    return ADDITIVE if after == "by default" else BREAKING


def _generated(before: str, after: str) -> str:
    return REVIEW if before and after else BREAKING


def _labels(before: str, after: str) -> str:
    old, new = _literals(before), _literals(after)
    if not set(old) <= set(new):
        return BREAKING
    return ADDITIVE if [label for label in new if label in old] == old else REVIEW


def _parts(before: str, after: str) -> str:
    """Judge a view's columns: new ones come after the old ones."""
    return ADDITIVE if after.startswith(before + ", ") else BREAKING


def _attributes(before: str, after: str) -> str:
    return REVIEW if after.startswith(before + ", ") else BREAKING


def _definition_of_constraint(before: str, after: str) -> str:
    return ADDITIVE if before == after + " NOT VALID" else REVIEW


def _definition_of_index(before: str, after: str) -> str:
    return REVIEW if " UNIQUE " in before + after else ADDITIVE


def _row_security(before: str, after: str) -> str:
    return BREAKING if after else REVIEW


def _privileges(before: str, after: str) -> str:
    """Parse `grantee=letters/grantor, …`, PUBLIC's without a grantee; "" for the defaults: the owner's."""
    if not before:
        return REVIEW if after == "nobody" else ADDITIVE
    old, new = _grants(before), _grants(after)
    return BREAKING if any(not letters <= new.get(grantee, set()) for grantee, letters in old.items()) else ADDITIVE


def _privileges_for_all(before: str, after: str) -> str:
    """The default privileges of PUBLIC on functions, types, languages and the database."""
    return REVIEW if not before and "" not in _grants(after) else _privileges(before, after)


_OPEN_TO_ALL = (
    "function", "procedure", "aggregate", "enum", "domain", "range", "composite type", "type", "language", "database",
)  # fmt: skip
_FACETS: Mapping[tuple[str, str], Callable[[str, str], str]] = {
    ("", "type"): _type,
    ("", "null"): _null,
    ("", "default"): _default,
    ("", "identity"): _identity,
    ("", "generated"): _generated,
    ("", "privileges"): _privileges,
    **dict.fromkeys(((kind, "privileges") for kind in _OPEN_TO_ALL), _privileges_for_all),
    ("", "row security"): _row_security,
    ("materialized view", "populated"): lambda before, after: BREAKING if after else ADDITIVE,
    ("", "valid"): lambda before, after: REVIEW if after else ADDITIVE,
    ("sequence", "type"): lambda *_: REVIEW,
    ("enum", "labels"): _labels,
    ("view", "columns"): _parts,
    ("materialized view", "columns"): _parts,
    ("composite type", "attributes"): _attributes,
    ("range", "definition"): lambda *_: BREAKING,
    ("constraint", "type"): lambda *_: REVIEW,
    ("constraint", "definition"): _definition_of_constraint,
    ("index", "definition"): _definition_of_index,
    ("index", "columns"): lambda *_: ADDITIVE,  # judged by its definition
    ("constraint", "columns"): lambda *_: ADDITIVE,
}


def _side(change: Difference, facet: str) -> str:
    """The only value of an added or removed object's property."""
    before, after = change.facets.get(facet, ("", ""))
    return before or after


def _columns(change: Difference) -> list[str]:
    """Full names of the columns that a constraint or an index covers."""
    return [f"{_side(change, 'on')}.{name}" for name in _side(change, "columns").split(", ") if name]


def _literals(text: str) -> list[str]:
    return re.findall(r"'(?:[^']|'')*'", text)


def _grants(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in text.split(", "):
        grantee, is_one, rest = item.rpartition("=")
        if not is_one:  # PUBLIC
            continue
        found.setdefault(grantee, set()).update(rest.partition("/")[0])
    return found
