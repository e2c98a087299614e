"""All makers of objects, by how often a migration has one, and whole worlds that they make."""

from __future__ import annotations

from collections.abc import Sequence

from tests.random_objects.code import (
    make_aggregate,
    make_function,
    make_procedure,
    make_revoked,
    make_trigger,
    make_trigger_function,
    make_trigger_state,
    make_view,
)
from tests.random_objects.constraints import (
    make_check,
    make_exclude,
    make_foreign_key,
    make_index,
    make_index_setting,
    make_index_statistics,
    make_statistics,
    make_statistics_target,
    make_unique,
)
from tests.random_objects.properties import (
    make_column_grant,
    make_comment,
    make_default_privileges,
    make_grant,
    make_owner,
)
from tests.random_objects.rare import (
    make_cast,
    make_collation,
    make_event_trigger,
    make_extension,
    make_foreign_table,
    make_operator,
    make_operator_class,
    make_publication,
    make_server,
    make_text_search,
    make_user_mapping,
)
from tests.random_objects.tables import (
    make_child,
    make_clustered,
    make_column,
    make_column_setting,
    make_default,
    make_filled_column,
    make_not_null,
    make_partition,
    make_partitioned,
    make_policy,
    make_rule,
    make_schema,
    make_table,
    make_table_setting,
    row_of,
)
from tests.random_objects.thing import Maker, Pick, Thing, World
from tests.random_objects.types import (
    make_attribute,
    make_composite,
    make_domain,
    make_domain_property,
    make_enum,
    make_nextval,
    make_owned_by,
    make_range,
    make_sequence,
)

FIRST: Sequence[Maker] = (make_enum, make_domain, make_composite, make_schema)  # before the tables
OFTEN: Sequence[Maker] = (
    make_index, make_comment, make_default, make_not_null, make_check, make_unique, make_foreign_key, make_view,
    make_function, make_trigger_function, make_trigger, make_grant, make_filled_column, make_sequence,
)  # fmt: skip
SELDOM: Sequence[Maker] = (
    make_child, make_partition, make_exclude, make_column_setting, make_index_setting, make_index_statistics,
    make_statistics, make_statistics_target, make_table_setting, make_clustered, make_policy, make_rule,
    make_revoked, make_procedure, make_aggregate, make_trigger_state, make_domain_property, make_attribute,
    make_range, make_owned_by, make_nextval, make_column_grant, make_owner, make_default_privileges, *FIRST,
    make_partitioned,
)  # fmt: skip
RARE: Sequence[Maker] = (
    make_event_trigger, make_extension, make_publication, make_server, make_foreign_table, make_user_mapping,
    make_collation, make_cast, make_operator, make_text_search, make_operator_class,
)  # fmt: skip


def any_maker(pick: Pick) -> Maker:
    share = pick.number(0, 9)
    return pick.one(OFTEN if share < 4 else SELDOM if share < 8 else RARE)


def add(pick: Pick, world: World, make: Maker) -> Thing | None:
    """Add an object to the world, if it can be there."""
    found = make(pick, world)
    if found is not None:
        world.things.append(found)
    return found


def world_of(pick: Pick) -> World:
    """A schema: types, tables with columns and rows, and what depends on them."""
    world = World()
    for _ in range(pick.number(0, 2)):
        add(pick, world, pick.one(FIRST))
    for _ in range(pick.number(1, 3)):
        table = make_partitioned(pick, world) if pick.often(0.1) else make_table(pick, world)
        world.things.append(table)
        for _ in range(pick.number(1, 3) if table.kind == "PARTITIONED" else 0):
            add(pick, world, make_partition)
    tables = world.of("TABLE", "PARTITIONED")
    for table in tables:
        for _ in range(pick.number(1, 4)):
            found = make_column(pick, World([*world.of("ENUM", "DOMAIN", "COMPOSITE"), table], world.names))
            assert found is not None
            world.names += 1
            world.things.append(found)
    for table in tables:
        for _ in range(pick.number(0, 3)):
            if found := row_of(pick, world, table):
                world.things.append(found)
    for _ in range(pick.number(0, 8)):
        add(pick, world, any_maker(pick))
    return world
