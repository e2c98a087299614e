"""search columns of items; an item's name is unique in its category"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("items", sa.Column("search_slug", sa.Text))
    op.add_column("items", sa.Column("word_count", sa.Integer))
    op.create_index("items_search_slug", "items", ["search_slug"])
    op.create_unique_constraint("items_name_in_category", "items", ["category_id", "name"])
    op.create_check_constraint("items_word_count_not_negative", "items", "word_count >= 0")


def downgrade() -> None:
    op.drop_constraint("items_word_count_not_negative", "items")
    op.drop_constraint("items_name_in_category", "items")
    op.drop_index("items_search_slug", "items")
    op.drop_column("items", "word_count")
    op.drop_column("items", "search_slug")
