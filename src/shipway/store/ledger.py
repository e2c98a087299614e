"""The ledger on a database: the sum of its parts, each in a file of its own."""

from __future__ import annotations

from shipway.store.audit import SqlAudit
from shipway.store.audited import audited
from shipway.store.backups import SqlBackups
from shipway.store.database import Database
from shipway.store.decisions import SqlDecisions
from shipway.store.events import SqlEvents
from shipway.store.insights import SqlInsights
from shipway.store.launches import SqlLaunches
from shipway.store.leases import SqlLeases
from shipway.store.operations import SqlOperations
from shipway.store.outbox import SqlOutbox
from shipway.store.ownership import SqlOwnership
from shipway.store.people import SqlPeople
from shipway.store.polls import SqlPolls
from shipway.store.previews import SqlPreviews
from shipway.store.provenance import SqlProvenance
from shipway.store.provisions import SqlProvisions
from shipway.store.purges import SqlPurges
from shipway.store.queue import SqlQueue
from shipway.store.releases import SqlReleases
from shipway.store.renamings import SqlRenamings
from shipway.store.runs import SqlRuns
from shipway.store.schedules import SqlSchedules
from shipway.store.schema import migrate
from shipway.store.sealed_secrets import SqlSecrets
from shipway.store.sign_ins import SqlSignIns
from shipway.store.tests import SqlTests
from shipway.store.waiting import SqlWaiting
from shipway.store.webhooks import SqlWebhooks


@audited
class SqlLedger(
    SqlRuns, SqlReleases, SqlWaiting, SqlSchedules, SqlDecisions, SqlSecrets, SqlLeases, SqlOwnership, SqlOperations,
    SqlRenamings, SqlProvisions, SqlPurges, SqlBackups, SqlLaunches,
    SqlEvents, SqlPeople, SqlSignIns, SqlQueue, SqlWebhooks, SqlPolls, SqlPreviews, SqlOutbox, SqlAudit, SqlInsights,
    SqlProvenance, SqlTests,
):  # fmt: skip
    """Implements ports.Ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database
        migrate(database)

    def reserve(self) -> None:
        """Room for a rollback's records."""
        self._db.reserve()

    def apps(self) -> list[str]:
        """All apps with a registration, a run or a release."""
        sql = "SELECT app FROM registrations UNION SELECT app FROM runs UNION SELECT app FROM releases ORDER BY app"
        return [row[0] for row in self._db.query(sql)]

    def close(self) -> None:
        """Close the database."""
        self._db.close()
