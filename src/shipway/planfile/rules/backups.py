"""Backups of an environment: what a later command would refuse is refused here."""

from __future__ import annotations

import re

from shipway.domain.backups import RESTORE, S3
from shipway.domain.plan import Environment, Plan
from shipway.drivers.accessories import KINDS
from shipway.planfile.report import Path, Report


def check(environment: Environment, plan: Plan, where: Path, report: Report) -> None:
    """All rules of this module. where: the key `backups` of the environment."""
    given = environment.backups
    if given is None:
        return
    if plan.database is None:
        report.error(where, "needs a `database` with migrations, whose dump is the backup", "`database:` in the plan")
    if given.to.startswith(S3) and not (given.access_key and given.secret_key):
        message = "names a bucket, but no secrets with the credentials for it"
        report.error((*where, "to"), message, "`access_key` and `secret_key`, names of secrets")
    if not given.to.startswith(S3):
        for key in ("endpoint", "region", "access_key", "secret_key"):
            if report.written((*where, key)):
                report.error((*where, key), "has no effect with a folder", "`to: s3://bucket/prefix`, or no such key")
    if given.verify == RESTORE and not given.key:
        message = "restores the stored copy, which needs a private key"
        report.error((*where, "verify"), message, "`key`, the name of a secret; or `verify: read`")
    names = {
        volume.name for service in plan.services.values() for volume in service.volumes.values() if not volume.folder
    }
    for index, name in enumerate(given.volumes or ()):
        if name not in names:
            known_names = ", ".join(sorted(names)) or "none"
            report.error((*where, "volumes", index), f"there is no volume `{name}`", f"one of: {known_names}")
    if given.continuous is not None and plan.database is not None:
        _continuous(plan, (*where, "continuous"), report)


def _continuous(plan: Plan, where: Path, report: Report) -> None:
    """Whether the server of the database has a log of changes that can be stored."""
    accessory = plan.migrated({})
    if accessory is None or report.failed(("accessories", accessory.name, "kind")):
        return
    kind = KINDS[accessory.kind]
    instead = "no `continuous`: backups and their restore don't need it"
    if accessory.external:
        message = f"`{accessory.name}` is an external server, whose log of changes can't be read"
        report.error(where, message, f"{instead}; or the restore to a time that its provider has")
    elif kind.change_log is None:
        able = " or ".join(name for name, item in KINDS.items() if item.change_log)
        what = "a file" if accessory.file else f"of kind {accessory.kind}"
        message = f"`{accessory.name}` is {what}: only of a {able} accessory can any time be restored"
        report.error(where, message, instead)
    else:
        series = kind.series(accessory.image, {})
        if series is not None and series.numbers[0] < kind.change_log.version:
            message = f"`{accessory.image}` is {series}: any time can be restored from {kind.change_log.version} on"
            report.error(where, message, f"{instead}; or a later version")
        command = re.sub(r"\s*=\s*", "=", accessory.command or "").replace("'", "")
        for setting in kind.change_log.prevented:
            if re.search(rf"\b{re.escape(setting)}\b", command):
                report.error(
                    where,
                    f"the command of `{accessory.name}` sets {setting}: its server keeps no log",
                    f"a command without it; or {instead}",
                )
