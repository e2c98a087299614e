"""Who may do what: THE table of permissions, and the roles that have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.domain.plan import Environment

ROLES = VIEWER, DEVELOPER, RELEASER, ADMIN = (
    "viewer",
    "developer",
    "releaser",
    "admin",
)  # each has what those before it have
ALL = "*"  # every app, or every environment

# What a permission is about, and so which grants count: one for that environment; one for any environment of the app, since a
# run belongs to none; or only one for all apps and environments.
ENVIRONMENT, APP, SERVER = "environment", "app", "server"

# Where an environment is protected (see `is_protected`), this permission is needed instead.
PROTECTED = ".protected"


@dataclass(frozen=True)
class Permission:
    """Something that a person may do, and the least role that may do it."""

    name: str
    role: str
    reach: str  # see above
    meaning: str


def _table(*rows: Permission) -> Mapping[str, Permission]:
    return {row.name: row for row in rows}


PERMISSIONS = _table(
    Permission("see", VIEWER, ENVIRONMENT, "See what runs: the board, status, history, releases, proofs, schedules"),
    Permission("logs", VIEWER, ENVIRONMENT, "Read the logs of services, runs and deployments"),
    Permission("run", DEVELOPER, APP, "Start, repeat and cancel runs of the pipeline"),
    Permission("deploy", DEVELOPER, ENVIRONMENT, "Deploy a release"),
    Permission("deploy.protected", RELEASER, ENVIRONMENT, "Deploy a release to a protected environment"),
    Permission("rollback", DEVELOPER, ENVIRONMENT, "Roll back, and end the hold that follows"),
    Permission("rollback.protected", RELEASER, ENVIRONMENT, "Roll back a protected environment, and end the hold"),
    Permission("operate", DEVELOPER, ENVIRONMENT, "Restart, scale, maintenance page, jobs, purges, snapshots, backups"),
    Permission("operate.protected", RELEASER, ENVIRONMENT, "The same in a protected environment"),
    Permission("preview", DEVELOPER, ENVIRONMENT, "Open, update, extend, wake and close previews of pull requests"),
    Permission(
        "exec",
        DEVELOPER,
        ENVIRONMENT,
        "Commands in containers, the console, the database's client: they can show data and secrets",
    ),
    Permission("exec.protected", RELEASER, ENVIRONMENT, "The same in a protected environment"),
    Permission("secrets", DEVELOPER, ENVIRONMENT, "Set and remove secrets; values are never shown"),
    Permission("secrets.protected", RELEASER, ENVIRONMENT, "Set and remove secrets of a protected environment"),
    Permission("approve", RELEASER, ENVIRONMENT, "Approve a release"),
    Permission("waive", RELEASER, ENVIRONMENT, "Waive a failed rollback proof, with a reason"),
    Permission("restore", RELEASER, ENVIRONMENT, "Restore a snapshot or a backup: newer data is lost"),
    Permission("freeze", ADMIN, ENVIRONMENT, "Deploy within a freeze window, with a reason"),
    Permission("rules", ADMIN, ENVIRONMENT, "Accept rules that can't be met otherwise"),
    Permission("destroy", ADMIN, ENVIRONMENT, "Destroy the environment with its data"),
    Permission("people", ADMIN, SERVER, "Add and remove people, and give them roles"),
    Permission("tokens", ADMIN, SERVER, "See and revoke the API tokens of other people"),
    Permission("webhooks", ADMIN, SERVER, "Add and remove webhooks and repositories"),
    Permission("audit", ADMIN, SERVER, "Read and export the audit"),
)


@dataclass(frozen=True)
class Grant:
    """A role that a person has: for an app or all, and for an environment or all."""

    person: str
    role: str
    app: str = ALL
    environment: str = ALL


def allowed(grants: Iterable[Grant], permission: str, app: str = ALL, environment: str = ALL) -> bool:
    """Whether these grants give the permission there. app, environment: ALL asks for every one, which only a grant for all
    gives. KeyError if there is no such permission."""
    wanted = PERMISSIONS[permission]
    return any(
        _rank(grant.role) >= _rank(wanted.role) and covers(wanted, grant.app, grant.environment, app, environment)
        for grant in grants
    )


def covers(permission: Permission, app: str, environment: str, of_app: str, of_environment: str) -> bool:
    """Whether what was given for this app and environment counts there, as far as the permission reaches."""
    if permission.reach == SERVER:
        return app == ALL and environment == ALL
    if app not in (ALL, of_app):
        return False
    return permission.reach == APP or environment in (ALL, of_environment)


def is_protected(*environments: Environment) -> bool:
    """Whether an environment has approvals or is reached by promotion, by any of the plans that count."""
    return any(item.after is not None or item.approvals.count > 0 for item in environments)


def in_environment(permission: str, *environments: Environment) -> str:
    """The permission that is needed there: another one where the environment is protected, if there is one."""
    special = permission + PROTECTED
    return special if special in PERMISSIONS and is_protected(*environments) else permission


def table() -> str:
    """The table as Markdown, for docs/people.md."""
    rows = [
        f"| `{item.name}` | {item.meaning} | {' | '.join(_cell(role, item) for role in ROLES)} | {item.reach} |"
        for item in PERMISSIONS.values()
    ]
    return "\n".join([f"| permission | what | {' | '.join(ROLES)} | of |", "|---|---|:-:|:-:|:-:|:-:|---|", *rows])


def _cell(role: str, permission: Permission) -> str:
    return "yes" if _rank(role) >= _rank(permission.role) else ""


def _rank(role: str) -> int:
    """-1: a role that only a newer version knows gives nothing."""
    return ROLES.index(role) if role in ROLES else -1
