"""The history, and the locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.ownership import Adoption
    from shipway.domain.registration import AcceptedRules, Registration
    from shipway.domain.release import Approval, Deployment, Evidence, Lease, Release, Trigger, Waiver
    from shipway.domain.run import RunRecord, StepRecord, StepResult
    from shipway.domain.snapshot import Snapshot


class Ledger(Protocol):
    """The append-only history and the locks (leases). Raises StoreError. The caller provides times of the history;
    locks use the ledger's own clock, which all its users share."""

    def now(self) -> float:
        """Seconds since the epoch by the ledger's clock."""

    def identity(self) -> str:
        """32 random hex digits that permanently identify this ledger: generated once, stored in it, and copied with
        it."""

    def property(self, name: str) -> str | None:
        """The value stored by `settle` or `replace_property`; None without one."""

    def settle(self, name: str, value: str) -> str:
        """Store the value unless the name has one; returns the stored value. Concurrent callers all get the same
        one."""

    def replace_property(self, name: str, value: str) -> None:
        """Store the value, replacing any other."""

    def begin_run(self, app: str, revision: str, tree: str, trigger: Trigger, at: float) -> int: ...
    def end_run(self, run: int, outcome: str, at: float) -> None: ...
    def runs(self, app: str, limit: int) -> list[RunRecord]: ...
    def pending_runs(self, app: str) -> list[RunRecord]:
        """All unfinished ones, newest first."""

    def begin_step(self, run: int, name: str, key: str, at: float) -> None: ...
    def end_step(
        self, run: int, name: str, outcome: str, at: float, result: StepResult | None = None, failure: str = ""
    ) -> None:
        """Finalize it. failure: why it failed, if caused by the step itself."""

    def steps(self, run: int) -> list[StepRecord]: ...
    def recent_steps(self, app: str, runs: int) -> list[StepResult]:
        """Results of the steps of this many newest runs."""

    def passed_step(self, app: str, name: str, key: str) -> StepResult | None:
        """Result of the newest successful step of that name and key; None if there is none."""

    def add_release(self, release: Release) -> Release:
        """Append it under the app's next number (its own is ignored), and return it with that."""

    def restore_release(self, release: Release) -> Release:
        """Append another ledger's release under its number there; StoreError if that is taken."""

    def release(self, app: str, number: int) -> Release | None: ...
    def releases(self, app: str, limit: int = 50) -> list[Release]:
        """This many of the newest, newest first."""

    def releases_of(self, app: str, tree: str) -> list[Release]:
        """All that were built from a tree of the repository, newest first."""

    def version(self, app: str, name: str) -> Release | None:
        """The newest release with this version tag."""

    def versions(self, app: str, release: int) -> list[str]:
        """The release's version tags, oldest first."""

    def begin_deployment(self, deployment: Deployment) -> int:
        """Append it as pending (its id is ignored) and return its id."""

    def end_deployment(self, id: int, outcome: str, at: float, schema: str | None, detail: str) -> None: ...
    def deployments(self, app: str, environment: str | None = None, limit: int = 50) -> list[Deployment]:
        """A listing for display, newest first. Not for decisions: it may be truncated."""

    def latest(self, app: str, environment: str) -> Deployment | None:
        """The newest deployment, with any outcome."""

    def current(self, app: str, environment: str) -> Deployment | None:
        """The newest successful one since the environment was last destroyed: what runs there."""

    def pending(self, app: str, environment: str) -> list[Deployment]:
        """All that began and have no outcome, newest first."""

    def deployments_of(self, app: str, environment: str, release: int) -> list[Deployment]:
        """Deployments of one release since the environment was last destroyed, newest first."""

    def history(self, app: str, environment: str) -> list[Deployment]:
        """All since the environment was last destroyed, newest first, for `domain.rollback` and `domain.levels`: no
        limit."""

    def destroyed(self, app: str, environment: str) -> float:
        """When it was last destroyed, in seconds since the epoch; 0: never."""

    def environments(self, app: str) -> list[str]:
        """All that were ever deployed to, in the order of their first deployment."""

    def add_approval(self, approval: Approval) -> None: ...
    def approvals(self, app: str, environment: str, release: int) -> list[Approval]: ...
    def add_waiver(self, waiver: Waiver) -> None: ...
    def waivers(self, app: str, environment: str, release: int | None = None) -> list[Waiver]:
        """Oldest first; of all releases if none is given."""

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Append it under its environment's next number (its own is ignored), and return it with that."""

    def snapshots(self, app: str, environment: str) -> list[Snapshot]:
        """Newest first."""

    def register(self, registration: Registration) -> None:
        """Append it; it replaces the app's earlier one."""

    def registration(self, app: str) -> Registration | None:
        """The newest; None if the app isn't bound to a repository yet."""

    def accept_rules(self, rules: AcceptedRules) -> None: ...
    def accepted_rules(self, app: str, environment: str) -> list[AcceptedRules]:
        """Oldest first."""

    def add_evidence(self, evidence: Evidence) -> None: ...
    def evidence(self, app: str, release: int) -> list[Evidence]: ...

    def reserve(self) -> None:
        """Ensure that a rollback can be recorded on a full disk. DiskFull if there is no room for that."""

    def acquire(self, name: str, owner: str, reason: str, ttl: float) -> Lease:
        """Acquire the lock for `ttl` seconds if it is free or expired; else LeaseHeld with owner, start time and
        reason."""

    def renew(self, lease: Lease, ttl: float) -> Lease:
        """Extend it; LeaseHeld if another owner has taken it."""

    def free(self, lease: Lease) -> None:
        """Release it; no error if it was lost."""

    def lease(self, name: str) -> Lease | None: ...

    def secrets(self, scope: str) -> Mapping[str, Sequence[str]]:
        """Fingerprints of a scope's secrets by name, oldest version first."""

    def sealed_secret(self, scope: str, name: str, version: int) -> str | None:
        """The encrypted value of a version; None if there is none."""

    def add_secret(self, scope: str, name: str, version: int, fingerprint: str, sealed: str) -> bool:
        """Append it; False if that version exists."""

    def add_adoptions(self, adoptions: Sequence[Adoption]) -> None:
        """Record them; those recorded already are unchanged."""

    def adopted(self, host: str) -> set[tuple[str, str]]:
        """Kind and id of all objects on that host that this ledger adopted."""

    def deployed_since(self, app: str, environment: str, release: int | None = None) -> float | None:
        """Start of the environment's first deployment (of the release, if given); None: never."""

    def run_since(self, app: str, run: int) -> float | None:
        """Start of the run with that number; None if the app has none."""

    def apps(self) -> list[str]: ...
    def close(self) -> None: ...
