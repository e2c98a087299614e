"""Runs, releases and deployments as the ledger holds them. All times are seconds since the epoch (UTC)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.plan import Plan
from shipway.domain.record import to_data

PENDING, SUCCEEDED, FAILED, CANCELLED, SKIPPED = "pending", "succeeded", "failed", "cancelled", "skipped"
SUPERSEDED = "superseded"  # of a deployment that a newer one of the same branch came before
DEPLOY, ROLLBACK, DESTROY = "deploy", "rollback", "destroy"
RESTORE = "restore"  # of a snapshot, under the release that runs
CHECK = "check:"  # prefix of the images of checks among those of a release


@dataclass(frozen=True)
class Commit:
    """A revision of the team's repository."""

    revision: str  # full hash
    tree: str  # hash of its tree
    author: str  # e-mail address
    subject: str


@dataclass(frozen=True)
class Trigger:
    """Why a run started."""

    kind: str  # push, tag, manual
    ref: str  # refs/heads/…, refs/tags/… or the revision as typed
    actor: str


@dataclass(frozen=True)
class Release:
    """Immutable: what a run built from one tree, with the plan of that revision. Works in every environment."""

    number: int  # from 1, by app
    app: str
    revision: str
    tree: str
    authors: tuple[str, ...]  # of older records; who counts is computed when it is asked, see actions.authors
    subject: str
    images: Mapping[str, str]  # service: repository@sha256:…
    plan: Plan
    run: int
    created: float
    schema: str | None = None  # newest schema revision that its image brings; None without a database
    digest: str = ""  # over images and plan, when it was made: what an approval is bound to

    def __post_init__(self) -> None:
        # Kept in the record: a plan that is read again by a newer version may have got more keys.
        if not self.digest:
            made = digest_of({"images": dict(self.images), "plan": to_data(self.plan)})
            object.__setattr__(self, "digest", made)


@dataclass(frozen=True)
class Deployment:
    """One release put into one environment. A rollback is a new deployment of an older release."""

    id: int
    app: str
    environment: str
    release: int
    kind: str  # deploy, rollback, restore or destroy
    actor: str
    reason: str
    started: float
    secrets: Mapping[str, int] = field(default_factory=dict)  # name: version
    outcome: str = PENDING
    finished: float | None = None
    schema: str | None = None  # revision of the environment's database when it was settled
    detail: str = ""
    way: str = ""  # of a rollback, see domain.way_back; code only: of a deployment onto a schema that is ahead of it
    goal: str | None = None  # of those and of a restore: the revision that the database is to be left at
    fingerprints: Mapping[str, str] = field(default_factory=dict)  # of the secrets: in a ledger that has them under other numbers, they are found by these


@dataclass(frozen=True)
class Approval:
    """A decision that a person recorded, on these very digests."""

    app: str
    environment: str
    release: int
    digest: str
    actor: str
    reason: str
    at: float
    login: str = ""  # user and machine that recorded it: the actor is what was claimed there, unless it is signed
    change: str = ""  # digest of what the deployment would change, see domain.approvals
    expires: float | None = None  # of a signed one
    signature: str = ""  # in the armour of `ssh-keygen -Y sign`, over domain.approvals.statement


@dataclass(frozen=True)
class Acceptance:
    """A person takes what a release's proof found, for a while, and says why."""

    app: str
    environment: str
    release: int
    digest: str  # of the images that were tried
    finding: str  # the proof's, see domain.way_back.finding: with another one it doesn't count
    actor: str
    reason: str
    at: float
    expires: float  # seconds since the epoch


@dataclass(frozen=True)
class Evidence:
    """A fact that the machine established about a release, such as a passed check in an environment."""

    app: str
    release: int
    environment: str
    kind: str  # tests, check, version
    name: str
    passed: bool
    detail: str
    at: float


@dataclass(frozen=True)
class Lease:
    """The right to change one environment (or to run the embedded registry's set-up …) for a while."""

    name: str  # app/environment
    owner: str  # actor, host and process
    reason: str
    since: float
    expires: float
    token: int  # fencing: grows with every new owner

    @property
    def who(self) -> str:
        """The owner in words for people: without the proof behind `#`, see `system.alive`."""
        return self.owner.rsplit(" #", 1)[0]


def digest_of(data: object) -> str:
    """sha256 over the canonical JSON of data."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
