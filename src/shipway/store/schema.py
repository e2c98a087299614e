"""The ledger's own numbered migrations."""

from __future__ import annotations

from pathlib import Path

from shipway.domain.audit import NEW, OLDER
from shipway.domain.errors import StoreError
from shipway.store import audit
from shipway.store.database import Database

AUDIT = 19  # the migration with which the audit begins
SCRIPTS = Path(__file__).parent / "migrations"
APPEND_ONLY = {
    1: ("releases", "deployments", "outcomes", "approvals", "evidence"),
    2: ("acceptances", "snapshots"),
    3: ("secrets", "registrations", "accepted_rules"),
    5: ("operations", "operation_ends"),
    7: ("renamings",),
    9: ("launches",),
    11: ("provisions", "provision_ends"),
    12: ("secret_origins",),
    21: ("holds",),
    19: ("audit",),
    25: ("signing_keys", "signing_key_ends", "image_records"),
}  # by migration


def migrate(database: Database) -> None:
    """Migrate the schema to the latest version, all or nothing. StoreError if a newer version has written the
    ledger."""
    scripts = {int(item.name[:4]): item for item in SCRIPTS.glob("*.sql")}
    if database.has_table("shipway_schema") and _applied(database) == scripts.keys():
        return

    def apply() -> None:
        database.query("CREATE TABLE IF NOT EXISTS shipway_schema (version BIGINT PRIMARY KEY)")
        applied = _applied(database)
        newest = max(applied, default=0)
        if newest > max(scripts):
            from shipway.system.installation import update_command  # rarely needed

            raise StoreError(
                f"the ledger {database.name} was written by a newer shipway (schema {newest})",
                hint=f"update shipway: {update_command()}",
            )
        for version in sorted(scripts.keys() - applied):
            _apply(database, version, scripts[version].read_text(encoding="utf-8"))
        if AUDIT not in applied:
            audit.begin(database, OLDER if applied else NEW)

    database.write(apply)


def _apply(database: Database, version: int, text: str) -> None:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            database.query(statement.format(**database.types))
    for table in APPEND_ONLY.get(version, ()):
        for statement in database.append_only(table):
            database.query(statement)
    database.query("INSERT INTO shipway_schema VALUES (?)", (version,))


def _applied(database: Database) -> set[int]:
    return {int(row[0]) for row in database.query("SELECT version FROM shipway_schema")}
