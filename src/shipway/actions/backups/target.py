"""The store of an environment's backups, and its keys, by the plan of the current release."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import STORED, Backup, Backups, Manifest, folder_of
from shipway.domain.errors import SecretError, StoreGone, UsageError
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.value import dataclass
from shipway.ports import BackupStore


@dataclass(frozen=True)
class Target:
    """Where the backups of an environment are."""

    app: str
    environment: str
    settings: Backups
    store: BackupStore
    private: str | None  # private key, if the plan's `key` is set

    @property
    def folder(self) -> str:
        """Of its backups in the store."""
        return folder_of(self.app, self.environment)


def target_of(ctx: Context, release: Release, where: Environment) -> Target:
    """UsageError if the release's plan has no backups; SecretError if a secret of its store is unset."""
    settings = where.backups
    if settings is None:
        raise UsageError(
            f"release {release.number}, which runs in {where.name}, has no `backups` in its plan",
            hint=f"add `backups: {{to: …, recipients: […]}}` to {where.name} and deploy it; see docs/backups.md",
        )
    scope = names.scope(release.app, where.name)
    values = {name: ctx.secrets.get(scope, name) for name in settings.secrets}
    ctx.redactor.add({name: value for name, value in values.items() if value})
    missing = [name for name in (settings.access_key, settings.secret_key) if name and not values[name]]
    if missing:
        commands = "\n".join(f"  shipway secret set {where.name} {name}" for name in missing)
        raise SecretError(f"the backups of {where.name} lack {', '.join(missing)}", hint=f"set them:\n{commands}")
    credentials = (values.get(settings.access_key or "") or "", values.get(settings.secret_key or "") or "")
    store = ctx.backup_store(settings, credentials)
    return Target(release.app, where.name, settings, store, values.get(settings.key or ""))


def reading_key(target: Target, given: str | None) -> str:
    """The private key that reads its backups: the given one, else the plan's. UsageError without one."""
    key = given or target.private
    if not key:
        raise UsageError(
            f"the backups of {target.environment} can only be read with a private key, which this machine doesn't have",
            hint="pass the key: --identity FILE",
        )
    return key


def require_there(target: Target, backups: list[Backup]) -> None:
    """StoreGone if none of the recorded backups is in the store: a disk that isn't mounted, or a new bucket, would look
    like an empty store."""
    recorded = [item for item in backups if item.outcome == STORED and item.store == target.settings.to]
    if not recorded:
        return
    there = target.store.list(target.folder)
    if not any(manifest_object(item.manifest) in there for item in recorded):
        raise StoreGone(
            f"{target.settings.to} has none of the {len(recorded)} recorded backups of {target.environment or 'the ledger'}",
            hint="mount its disk, or correct `backups.to`; for a new store, set another address or folder",
        )


def manifest_object(manifest: Manifest) -> str:
    """The object that makes it visible."""
    return f"{manifest.folder}manifest.age"
