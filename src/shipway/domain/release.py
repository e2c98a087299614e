"""Commits, releases and deployments as the ledger holds them; runs are in `domain.run`. All times are seconds since the
epoch (UTC)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field

from shipway.domain.adjustments import Adjustments
from shipway.domain.config_file import ConfigFile
from shipway.domain.plan import Accessory, Plan
from shipway.domain.record import to_data
from shipway.domain.value import dataclass

PENDING, SUCCEEDED, FAILED, CANCELLED, SKIPPED = "pending", "succeeded", "failed", "cancelled", "skipped"
SUPERSEDED = "superseded"  # of a deployment that was overtaken by a newer one of the same branch
DEPLOY, ROLLBACK, DESTROY = "deploy", "rollback", "destroy"
RESTORE = "restore"  # of a snapshot; the release stays the same
RESTART, SCALE = "restart", "scale"  # of the release that runs there; the schema stays the same
CHECK = "check:"  # prefix of the images of checks among a release's images


@dataclass(frozen=True)
class Commit:
    """A revision of the team's repository."""

    revision: str  # full hash
    tree: str  # hash of its tree
    author: str  # e-mail address
    subject: str


PULL, PREVIEW = "pull", "preview"  # kinds of a trigger


@dataclass(frozen=True)
class Trigger:
    """Why a run started."""

    kind: str  # push, tag, manual; step: by a person, of a single one; pull: of a pull request from another repository;
    # preview: for the preview of one from the app's own
    ref: str  # refs/heads/…, refs/tags/… or the revision as typed
    actor: str

    @property
    def outside(self) -> bool:
        """Whether the commit is none of the app's repository: then nothing of the run is read by others, or the reverse."""
        return self.kind == PULL


@dataclass(frozen=True)
class Release:
    """Immutable result of a run: images built from one tree, and the plan of that revision. Independent of
    environments."""

    number: int  # from 1, by app
    app: str
    revision: str
    tree: str
    authors: tuple[str, ...]  # of older records; authors are now computed on demand, see actions.projects.authors
    subject: str
    images: Mapping[str, str]  # service: repository@sha256:…
    plan: Plan
    run: int
    created: float
    schema: str | None = None  # newest schema revision in its image; None without a database
    digest: str = ""  # over images, plan and files at its creation: what an approval is bound to
    files: Mapping[str, ConfigFile] = field(default_factory=dict)  # those of services, by path in the repository

    def __post_init__(self) -> None:
        # Stored in the record, since a newer version may parse more keys from the same plan.
        if not self.digest:
            files = {"files": to_data(self.files)} if self.files else {}
            made = digest_of({"images": dict(self.images), "plan": to_data(self.plan), **files})
            object.__setattr__(self, "digest", made)

    @property
    def migrated(self) -> Accessory | None:
        """See `Plan.migrated`."""
        return self.plan.migrated(self.images)


@dataclass(frozen=True)
class Deployment:
    """The deployment of one release to one environment. A rollback is a new deployment of an older release."""

    id: int
    app: str
    environment: str
    release: int
    kind: str  # deploy, rollback, restore, restart, scale or destroy
    actor: str
    reason: str
    started: float
    secrets: Mapping[str, int] = field(default_factory=dict)  # name: version
    outcome: str = PENDING
    finished: float | None = None
    schema: str | None = None  # revision of the environment's database when it was finalized
    detail: str = ""
    way: str = ""  # kind of a rollback's plan, see domain.rollback_plan; also of a deployment that keeps a newer schema
    goal: str | None = None  # of those and of a restore: the target revision of the database
    fingerprints: Mapping[str, str] = field(default_factory=dict)  # of the secrets, valid across ledgers
    adjustments: Adjustments = field(default_factory=Adjustments)

    @property
    def destroyed(self) -> bool:
        """Whether it left nothing deployed: a complete destroy."""
        return (self.kind, self.outcome) == (DESTROY, SUCCEEDED)


@dataclass(frozen=True)
class Approval:
    """A recorded approval, for exactly these digests."""

    app: str
    environment: str
    release: int
    digest: str
    actor: str
    reason: str
    at: float
    login: str = ""  # user and machine that recorded it: unless it is signed, the actor is only claimed
    change: str = ""  # digest of what the deployment would change, see domain.approvals
    expires: float | None = None  # of a signed one
    signature: str = ""  # in the armour of `ssh-keygen -Y sign`, over domain.approvals.statement


@dataclass(frozen=True)
class Waiver:
    """A waiver of a failed rollback proof, with a reason and an expiry."""

    app: str
    environment: str
    release: int
    digest: str  # of the tested images
    finding: str  # the waived result, see domain.rollback_plan.finding: a different result is not waived
    actor: str
    reason: str
    at: float
    expires: float  # seconds since the epoch


@dataclass(frozen=True)
class Evidence:
    """A recorded fact about a release, such as a check that passed in an environment."""

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
    """A lock with a time limit on changes of one environment (or on the set-up of the embedded registry …)."""

    name: str  # app/environment
    owner: str  # actor, host and process
    reason: str
    since: float
    expires: float
    token: int  # fencing: increases with every new owner

    @property
    def who(self) -> str:
        """The owner for messages: without the process identity after `#`, see `system.alive`."""
        return self.owner.rsplit(" #", 1)[0]


def digest_of(data: object) -> str:
    """sha256 over the canonical JSON of data."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
