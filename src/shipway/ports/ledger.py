"""The history, and the locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.ownership import Adoption
    from shipway.domain.registration import AcceptedRules, Registration
    from shipway.domain.release import Acceptance, Approval, Deployment, Evidence, Lease, Release, Trigger
    from shipway.domain.snapshot import Snapshot


class Ledger(Protocol):
    """The append-only history and the leases. Raises StoreError. Times of the history are given by the caller; leases go by
    the ledger's own clock, which all who use it share."""

    def now(self) -> float:
        """Seconds since the epoch by the ledger's clock."""

    def identity(self) -> str:
        """32 random hex digits that identify this ledger for ever: made once, kept in it, and copied with it."""

    def property(self, name: str) -> str | None:
        """What `settle` or `replace_property` kept under the name; None where nothing was kept."""

    def settle(self, name: str, value: str) -> str:
        """Keep the value under the name where nothing is kept yet; returns what is kept then. Of several callers at the
        same time all get the same."""

    def replace_property(self, name: str, value: str) -> None:
        """Keep the value, whatever was kept before."""

    def begin_run(self, app: str, revision: str, tree: str, trigger: Trigger, at: float) -> int: ...
    def end_run(self, run: int, outcome: str, at: float) -> None: ...
    def runs(self, app: str, limit: int) -> list[Mapping[str, object]]: ...
    def pending_runs(self, app: str) -> list[Mapping[str, object]]:
        """All that have not ended, newest first."""

    def begin_step(self, run: int, name: str, key: str, at: float) -> None: ...
    def end_step(self, run: int, name: str, outcome: str, at: float, result: Mapping[str, object]) -> None: ...
    def steps(self, run: int) -> list[Mapping[str, object]]: ...
    def recent_steps(self, app: str, runs: int) -> list[Mapping[str, object]]:
        """Results of the steps of that many newest runs."""

    def passed_step(self, app: str, name: str, key: str) -> Mapping[str, object] | None:
        """Result of the newest step of that name and key that succeeded; None where there is none."""

    def add_release(self, release: Release) -> Release:
        """Append it under the next number of its app (the given number is ignored) and return it so."""

    def restore_release(self, release: Release) -> Release:
        """Append one of another ledger under the number that it has there; StoreError where that is taken."""

    def release(self, app: str, number: int) -> Release | None: ...
    def releases(self, app: str, limit: int = 50) -> list[Release]:
        """That many of the newest, newest first."""
    def releases_of(self, app: str, tree: str) -> list[Release]:
        """All that were made of a tree of the repository, newest first."""
    def version(self, app: str, name: str) -> Release | None:
        """The newest release that was given this version tag."""
    def versions(self, app: str, release: int) -> list[str]:
        """Version tags that it was given, oldest first."""

    def begin_deployment(self, deployment: Deployment) -> int:
        """Append it as pending (the given id is ignored) and return its id."""

    def end_deployment(self, id: int, outcome: str, at: float, schema: str | None, detail: str) -> None: ...
    def deployments(self, app: str, environment: str | None = None, limit: int = 50) -> list[Deployment]:
        """A listing for people, newest first. No decision goes by it: what matters may lie behind its end."""
    def latest(self, app: str, environment: str) -> Deployment | None:
        """The newest deployment of all, whatever became of it."""
    def current(self, app: str, environment: str) -> Deployment | None:
        """The newest that succeeded since the environment was last destroyed: what runs there."""
    def pending(self, app: str, environment: str) -> list[Deployment]:
        """All that were begun and have no outcome, newest first."""
    def deployments_of(self, app: str, environment: str, release: int) -> list[Deployment]:
        """Those of one release since the environment was last destroyed, newest first."""

    def history(self, app: str, environment: str) -> list[Deployment]:
        """All since the environment was last destroyed, newest first, for `domain.rollback` and `domain.levels`: no limit."""
    def destroyed(self, app: str, environment: str) -> float:
        """When it was last destroyed, in seconds since the epoch; 0: never."""
    def environments(self, app: str) -> list[str]:
        """All that something was ever deployed to, in the order of their first deployment."""

    def add_approval(self, approval: Approval) -> None: ...
    def approvals(self, app: str, environment: str, release: int) -> list[Approval]: ...
    def add_acceptance(self, acceptance: Acceptance) -> None: ...
    def acceptances(self, app: str, environment: str, release: int | None = None) -> list[Acceptance]:
        """Oldest first; of all releases where none is given."""

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Append it under the next number of its environment (the given number is ignored) and return it so."""

    def snapshots(self, app: str, environment: str) -> list[Snapshot]:
        """Newest first."""

    def register(self, registration: Registration) -> None:
        """Append it; it replaces an earlier one of the app."""

    def registration(self, app: str) -> Registration | None:
        """The newest; None where the app is bound to no repository yet."""

    def accept_rules(self, rules: AcceptedRules) -> None: ...
    def accepted_rules(self, app: str, environment: str) -> list[AcceptedRules]:
        """Oldest first."""

    def add_evidence(self, evidence: Evidence) -> None: ...
    def evidence(self, app: str, release: int) -> list[Evidence]: ...

    def reserve(self) -> None:
        """See to it that a rollback can be recorded when the disk is full. DiskFull where there is no room for that."""

    def acquire(self, name: str, owner: str, reason: str, ttl: float) -> Lease:
        """Take the lease for `ttl` seconds where it is free or expired; LeaseHeld says who holds it, since when and why."""

    def renew(self, lease: Lease, ttl: float) -> Lease:
        """Extend it; LeaseHeld where it was lost to another owner."""

    def free(self, lease: Lease) -> None:
        """Give it back; no error where it was lost."""

    def lease(self, name: str) -> Lease | None: ...

    def secrets(self, scope: str) -> Mapping[str, Sequence[str]]:
        """Fingerprints of a scope's secrets by name, oldest version first."""

    def sealed_secret(self, scope: str, name: str, version: int) -> str | None:
        """The encrypted value of a version; None where there is none."""

    def add_secret(self, scope: str, name: str, version: int, fingerprint: str, sealed: str) -> bool:
        """Append it; False where that version is there already."""

    def add_adoptions(self, adoptions: Sequence[Adoption]) -> None:
        """Record them; one that is recorded already stays as it is."""

    def adopted(self, host: str) -> set[tuple[str, str]]:
        """Kind and id of all objects on that host that this ledger adopted."""

    def deployed_since(self, app: str, environment: str, release: int | None = None) -> float | None:
        """When the first deployment of the environment (and of the release, where one is given) began; None: never."""

    def run_since(self, app: str, run: int) -> float | None:
        """When the run of that number began; None where the app has none."""

    def apps(self) -> list[str]: ...
    def close(self) -> None: ...
