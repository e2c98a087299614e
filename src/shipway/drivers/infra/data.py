"""Which resources hold data: by their type or address, so that one too many needs the environment's name typed."""

from __future__ import annotations

from fnmatch import fnmatchcase

DATA = (
    "*database*", "*db_instance*", "*db_cluster*", "*rds*", "*_sql_*", "*postgres*", "*mysql*", "*volume*", "*bucket*", "*disk*",
    "*dynamodb*", "*elasticache*", "*redis*", "*file_system*", "*snapshot*",
)  # fmt: skip


def holds_data(address: str, kind: str) -> bool:
    """Whether it probably does."""
    return any(fnmatchcase(text.lower(), pattern) for text in (address, kind) for pattern in DATA)
