"""Whether a migration has a way down, told from its text."""

from __future__ import annotations

import pytest

from shipway.drivers.database.alembic_scripts import ScriptFile, files, sql
from shipway.drivers.database.javascript import lacks_down

UP = "def upgrade() -> None:\n    op.create_table('x')\n"


@pytest.mark.parametrize(
    "down",
    [
        "",
        "def downgrade(): pass",
        "def downgrade() -> None:\n    '''Nothing.'''\n    pass\n",
        "def downgrade():\n    # op.drop_table('x')\n    ...",
        "def downgrade():\n    return None",
        "def downgrade():\n    raise NotImplementedError('never')",
    ],
)
def test_a_missing_way_down(down: str) -> None:
    assert ScriptFile("x.py", UP + down).lacks_down()


@pytest.mark.parametrize(
    "text",
    [
        UP + "def downgrade():\n    op.drop_table('x')",
        UP + "def downgrade():\n    op.execute('SELECT 1')",
        UP + "def downgrade():\n    if op.get_bind():\n        raise ValueError()",
        "def upgrade():\n    pass\ndef downgrade():\n    pass",  # a merge
        "'''no functions here'''",
        "def upgrade(: this is no Python",
    ],
)
def test_a_way_down(text: str) -> None:
    assert not ScriptFile("x.py", text).lacks_down()


def test_files_between_a_projects_own_lines() -> None:
    output = (
        "INFO  [alembic] hello\nshipway-files: Rev: b (head)\nshipway-files: Path: /m/b.py\nconnecting\n"
        "shipway-files: |Rev: a\nshipway-files: |\nshipway-files: |end\nshipway-files: \n"
        "shipway-files: Rev: a\nshipway-files: Path: /m/a.py\nshipway-files: |x = 1\n"
    )
    assert files(output) == {"b": ScriptFile("/m/b.py", "Rev: a\n\nend\n"), "a": ScriptFile("/m/a.py", "x = 1\n")}


def test_offline_sql_of_other_revisions_is_not_taken() -> None:
    output = "\n".join(
        f"shipway-sql: {line}"
        for line in ["connecting", "BEGIN;", "", "-- Running downgrade b -> a", "", "DROP TABLE b;", "", "COMMIT;", ""]
    )
    assert sql(output, ["b"]) == "BEGIN;\n\n-- Running downgrade b -> a\n\nDROP TABLE b;\n\nCOMMIT;\n"
    assert sql(output, ["a", "b"]) == ""
    assert sql("", ["b"]) == ""


@pytest.mark.parametrize(
    "text",
    [
        "exports.up = (knex) => knex.schema.dropTable('x')",
        "exports.up = f; // exports.down = (knex) => knex.schema.dropTable('x')",
        "exports.down = function (knex) {}",
        "exports.down = async function down(knex) { /* later */ }",
        "exports.down = (knex) => { return Promise.resolve(); }",
        "exports.down = () => Promise.resolve()",
        "exports.down = knex => {\n  throw new Error('no way back')\n}",
        "module.exports = {up: f, async down(q, Sequelize) {\n    // q.dropTable('x')\n  }}",
        "module.exports = {up: f, down: async (q) => {}}",
        "module.exports = {up: f, down: function (q) { return; }}",
        "export async function down(knex: Knex): Promise<void> {\n}",
        "export const down = async (knex: Knex) => {};",
    ],
)
def test_a_missing_way_down_in_javascript(text: str) -> None:
    assert lacks_down(text)


@pytest.mark.parametrize(
    "text",
    [
        "exports.down = (knex) => knex.schema.dropTable('x')",
        "exports.down = function (knex) { return knex.schema.dropTable('x') }",
        "exports.down = async (knex) => {\n  if (x) {\n  }\n  await knex.raw('SELECT 1')\n}",
        "module.exports = {up: f, async down(q) { await q.dropTable('x') }}",
        "module.exports = {up: f, down: (q) => { throw_away(q) }}",
        "export async function down(knex: Knex): Promise<void> {\n  await knex.schema.dropTable('x');\n}",
        "module.exports = require('../helpers').migration({up: a, down: b})",
        "const {up, down} = pair('x'); module.exports = {up, down}",
    ],
)
def test_a_way_down_in_javascript(text: str) -> None:
    assert not lacks_down(text)
