"""What people did in an environment beside deployments: commands in its containers, sessions with its database."""

from __future__ import annotations

from shipway.domain.value import dataclass

EXEC, CONSOLE, DATABASE, PURGE = "exec", "console", "db", "purge"
PERSON, GRANT, TOKEN, WEBHOOK, NOTIFY, POLL = (
    "user",
    "grant",
    "token",
    "webhook",
    "notify",
    "poll",
)  # changes of who may do what; app and environment may be ALL


@dataclass(frozen=True)
class Operation:
    """One command, recorded before it runs."""

    id: int
    app: str
    environment: str
    release: int  # 0: of none
    kind: str  # see above
    service: str  # or accessory, or provider of a CDN, or the name of the person whom it is about
    actor: str
    login: str  # user and machine: the actor is only claimed
    detail: str  # the command, without secrets
    started: float
    finished: float | None = None  # None: it runs, or its process died
    code: int | None = None  # exit code
