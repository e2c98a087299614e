"""Remove the backups that are no longer needed."""

from __future__ import annotations

import dataclasses
from datetime import UTC
from zoneinfo import ZoneInfo

from shipway.actions.backups.content import delete
from shipway.actions.backups.target import Target
from shipway.context import Context
from shipway.domain.backups import REMOVED, Backup, removable
from shipway.domain.errors import BackupFailed, StoreError


def remove_old(ctx: Context, target: Target) -> list[Backup]:
    """From the list, then from the store. A store or a ledger that fails here doesn't fail the backup: the next one tries
    again."""
    backups = [item for item in ctx.ledger.backups(target.app, target.environment) if item.store == target.settings.to]
    zone = ZoneInfo(target.settings.zone) if target.settings.zone != "UTC" else UTC
    removed = []
    for item in removable(backups, target.settings.keep, zone):
        try:
            ctx.ledger.record_backup(dataclasses.replace(item, outcome=REMOVED))
            removed.append(item)
            delete(target, item.name)
        except (BackupFailed, StoreError) as error:
            ctx.reporter.note(f"{item.name} is no longer needed, but could not be removed: {error.message}")
            break
    return removed
