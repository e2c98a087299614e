"""What people changed of an environment's DNS records and infrastructure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from shipway.domain.value import dataclass

DNS, INFRA, CERTIFICATE = "dns", "infra", "certificate"
CHALLENGE = "challenge"  # records that prove control of names to a CA: `detail` has them, `digest` their zone
APPLY, DESTROY = "apply", "destroy"
PENDING, SUCCEEDED, FAILED = "pending", "succeeded", "failed"


@dataclass(frozen=True)
class Provision:
    """One change of DNS records or of infrastructure, recorded before it begins."""

    id: int
    app: str
    environment: str
    kind: str  # see above
    action: str
    digest: str  # of the plan that was approved
    revision: str  # of the protected branch, whose plan decides
    actor: str
    login: str  # user and machine: the actor is only claimed
    detail: str  # the changes, without secrets
    started: float
    finished: float | None = None  # None: it is in progress, or its process died
    outcome: str = PENDING
    message: str = ""  # why it failed
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # public ones, by name


def remains(changes: Iterable[Provision]) -> bool:
    """Whether something of what was made may still be there. changes: of one kind, newest first."""
    for item in changes:
        if item.action != DESTROY:
            return True  # also one that failed: it may have made a part
        if item.outcome == SUCCEEDED:
            return False
    return False
