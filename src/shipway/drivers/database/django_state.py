"""The state of Django's migrations in the image and the database: queried inside of the image, and evaluated here.

Django has no single revision: each app has its own, and a new release may add to any of them. So the revision of a
schema is the set of its newest migrations, on which no other applied one depends: `auth.0012_x+shop.0007_y`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Set

from shipway.domain.own_tables import OwnTables
from shipway.domain.value import dataclass

# For `manage.py shell` of all current versions of Python and Django. SHIPWAY_ASK is `brought` or `scripts NAME…`, which
# need no database, or `state`.
ASK = r"""
import inspect, json, os, sys
from django.apps import apps
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
asked = os.environ["SHIPWAY_ASK"].split()
connection = connections["default"]
loader = MigrationLoader(connection if asked[0] == "state" else None, ignore_no_migrations=True)
graph = loader.graph
full = lambda key: "%s.%s" % tuple(key)
order = []
for leaf in sorted(graph.leaf_nodes()):
    order += [key for key in graph.forwards_plan(leaf) if key not in order]
def one_way(operation):
    inner = getattr(operation, "database_operations", None) or []
    return not operation.reversible or any(map(one_way, inner))
def backwards(migration):
    loader.connection = connection
    try:
        return "\n".join(loader.collect_sql([(migration, True)])) + "\n"
    except Exception:
        return None
def table(model):
    try:
        return [apps.get_model(model)._meta.db_table]
    except LookupError:
        return []
def installed(migration):
    path = getattr(sys.modules.get(type(migration).__module__), "__file__", None) or ""
    return "site-packages" in path or "dist-packages" in path
answer = {
    "history": [MigrationRecorder.Migration._meta.db_table],
    "kept": table("contenttypes.ContentType") + table("auth.Permission") + table("sites.Site"),
    "conflicts": {app: sorted(names) for app, names in loader.detect_conflicts().items()},
    "migrations": [{
        "name": full(key),
        "parents": [full(parent.key) for parent in graph.node_map[key].parents],
        "one_way": any(map(one_way, graph.nodes[key].operations)),
        "installed": installed(graph.nodes[key]),
    } for key in order],
}
if asked[0] == "state":
    loader.check_consistent_history(connection)
    recorder = MigrationRecorder(connection)
    rows = recorder.migration_qs.order_by("id").values_list("app", "name") if recorder.has_table() else []
    known = set(graph.nodes) | set(loader.disk_migrations)
    answer["rows"] = [[full(row), tuple(row) in known] for row in rows]
    answer["applied"] = [full(key) for key in loader.applied_migrations if key in graph.nodes]
if asked[0] == "scripts":
    answer["scripts"] = {}
    for key in order:
        if full(key) in asked[1:]:
            with open(inspect.getfile(type(graph.nodes[key]))) as file:
                answer["scripts"][full(key)] = [file.name, file.read(), backwards(graph.nodes[key])]
print("shipway-django: " + json.dumps(answer))
"""
_ANSWER = re.compile(r"^shipway-django: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class State:
    """Migrations are named `app.name`, in the order in which Django would apply them."""

    parents: dict[str, frozenset[str]]  # by migration of the image
    one_way: frozenset[str]
    conflicts: Mapping[str, list[str]]  # apps with several newest migrations
    applied: frozenset[str]
    unknown: tuple[str, ...]  # applied after everything that the image has
    scripts: Mapping[str, tuple[str, str, str | None]]  # path, text, and SQL of the down migration
    installed: frozenset[str]  # of installed packages, not of the project
    own: OwnTables

    def closed(self, names: Iterable[str]) -> frozenset[str]:
        """These migrations and everything that they depend on."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.parents[name]
        return frozenset(found)

    def revision(self, names: Set[str]) -> str | None:
        """The revision of a schema with exactly these applied."""
        return "+".join(self.tips(names)) or None

    def tips(self, names: Set[str]) -> list[str]:
        """Those on which no other one depends."""
        return sorted(names - {parent for name in names for parent in self.parents[name]})

    def resolve(self, revision: str) -> frozenset[str] | None:
        """All migrations of a revision; None if the image lacks one."""
        tips = revision.split("+")
        return self.closed(tips) if self.parents.keys() >= set(tips) else None

    def missing(self) -> list[str]:
        return [name for name in self.parents if name not in self.applied]

    def migrate_targets(self, keep: Set[str]) -> list[tuple[str, str]]:
        """Arguments of the `manage.py migrate` calls after which exactly these are applied: app, and a migration's name
        or `zero`."""
        reverted = [name for name in reversed(self.parents) if name in self.applied - keep]
        targets = []
        for app in dict.fromkeys(_app(name) for name in reverted):
            own = {name for name in keep if _app(name) == app}
            tips = own - {parent for name in own for parent in self.parents[name]}
            targets.append((app, max(tips).partition(".")[2] if tips else "zero"))
        return targets

    def reverted(self, targets: Iterable[tuple[str, str]]) -> set[str]:
        """What these calls revert: the app's migrations above the target, and all that depend on them."""
        found: set[str] = set()
        for app, name in targets:
            own = {item for item in self.parents if _app(item) == app}
            above = own if name == "zero" else {item for item in own if f"{app}.{name}" in self.parents[item]}
            found |= {item for item in self.applied if self.closed([item]) & above}
        return found


def read(output: str) -> State | None:
    """Parse the output of one call; None if it is incomplete."""
    found = _ANSWER.search(output)
    if found is None:
        return None
    answer = json.loads(found[1])
    parents = {item["name"]: frozenset(item["parents"]) for item in answer["migrations"]}
    rows = answer.get("rows", [])
    last = max((at for at, (_, known) in enumerate(rows) if known), default=-1)
    return State(
        parents,
        frozenset(item["name"] for item in answer["migrations"] if item["one_way"]),
        answer["conflicts"],
        frozenset(answer.get("applied", [])),
        # Older migrations that the image lacks are of a removed app or were squashed.
        tuple(name for name, _ in rows[last + 1 :]),
        {name: (path, text, sql) for name, (path, text, sql) in answer.get("scripts", {}).items()},
        frozenset(item["name"] for item in answer["migrations"] if item["installed"]),
        OwnTables(frozenset(map(_bare, answer["history"])), frozenset(map(_bare, answer["kept"]))),
    )


def _bare(table: str) -> str:
    """A table's name without its schema: projects write both as `schema"."table`."""
    return table.rpartition(".")[2].strip('"`')


def _app(name: str) -> str:
    return name.partition(".")[0]
